/* A button that copies what a field holds, for keys that are shown once. Without this file, or
   without a clipboard, the field is selected and the person copies it. */
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button) {
      return;
    }
    const field = document.getElementById(button.dataset.copy);
    const status = button.parentNode.querySelector("[role=status]");
    field.select();
    if (!navigator.clipboard) {
      status.textContent = "请按 Ctrl+C 复制";
      return;
    }
    navigator.clipboard.writeText(field.value).then(
      function () {
        status.textContent = "已复制";
      },
      function () {
        status.textContent = "请按 Ctrl+C 复制";
      },
    );
  });
})();

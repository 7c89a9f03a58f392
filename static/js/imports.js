/* Dropping a file on the upload page; the remaining time is the server's word. Without this file the
   page has a plain field for the file. */
(function () {
  "use strict";

  function zoneOf(event) {
    return event.target.closest ? event.target.closest("[data-drop]") : null;
  }

  ["dragenter", "dragover"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      const zone = zoneOf(event);
      if (zone) {
        event.preventDefault();
        zone.classList.add("over");
      }
    });
  });

  document.addEventListener("dragleave", function (event) {
    const zone = zoneOf(event);
    if (zone && !zone.contains(event.relatedTarget)) {
      zone.classList.remove("over");
    }
  });

  /* A file that misses the zone must not replace the page. */
  document.addEventListener("drop", function (event) {
    event.preventDefault();
    const zone = zoneOf(event);
    if (!zone) {
      return;
    }
    zone.classList.remove("over");
    const files = event.dataTransfer.files;
    const field = zone.querySelector("input[type=file]");
    const said = zone.querySelector("[data-chosen]");
    if (files.length !== 1) {
      said.textContent = "一次只能上传一个文件。";
      return;
    }
    field.files = files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("change", function (event) {
    const zone = event.target.type === "file" ? zoneOf(event) : null;
    if (!zone) {
      return;
    }
    const file = event.target.files[0];
    const said = zone.querySelector("[data-chosen]");
    if (!file) {
      said.textContent = "";
      return;
    }
    const size = file.size < 1048576 ? Math.ceil(file.size / 1024) + " KB" : (file.size / 1048576).toFixed(1) + " MB";
    said.textContent = /\.(xlsx|xls|csv)$/i.test(file.name)
      ? "已选择：" + file.name + "（" + size + "）"
      : "已选择：" + file.name + "。这不像 XLSX、XLS 或 CSV 文件，上传后可能被拒绝。";
  });

  /* Choosing a way of taking a batch marks it at once. */
  document.addEventListener("change", function (event) {
    if (event.target.type !== "radio" || !event.target.closest(".choices")) {
      return;
    }
    event.target.closest(".choices").querySelectorAll("label").forEach(function (label) {
      label.classList.toggle("chosen", label.contains(event.target));
    });
  });
})();

/* Sending a workbook: how much has gone out, and one click is one upload. */
(function () {
  "use strict";

  function show(form, percent, words) {
    const progress = form.querySelector("progress");
    const status = form.querySelector("[data-upload-status]");
    progress.hidden = false;
    progress.value = percent;
    status.textContent = words;
  }

  function finish(form, request) {
    if (new URL(request.responseURL).pathname !== location.pathname) {
      location.assign(request.responseURL);
      return;
    }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const fresh = page.getElementById("upload");
    if (!fresh) {
      fail(form);
      return;
    }
    document.getElementById("upload").replaceWith(document.importNode(fresh, true));
  }

  function fail(form) {
    show(form, 0, "上传未成功，请检查网络；重试前先看“导入批次”里有没有这个文件。");
    form.querySelector("[type=submit]").disabled = false;
  }

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("form[data-upload]")) {
      return;
    }
    event.preventDefault();
    form.querySelector("[type=submit]").disabled = true;
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", function (step) {
      if (step.lengthComputable) {
        const percent = Math.floor((step.loaded / step.total) * 100);
        show(form, percent, percent < 100 ? "正在上传：" + percent + "%" : "已上传，正在登记批次……");
      }
    });
    request.addEventListener("load", function () {
      if (request.status < 500 && request.status !== 403) {
        finish(form, request);
      } else {
        fail(form);
      }
    });
    request.addEventListener("error", function () { fail(form); });
    request.open("POST", form.getAttribute("action"));
    request.send(new FormData(form));
  });
})();

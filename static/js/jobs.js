/* Pages that poll a job by htmx: what to do when the session has ended, the network fails, or the
   job a page is about has finished. */
(function () {
  "use strict";

  document.addEventListener("htmx:beforeSwap", function (event) {
    const asked = new URL(event.detail.pathInfo.requestPath, location.href).pathname;
    if (new URL(event.detail.xhr.responseURL).pathname !== asked) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  document.addEventListener("htmx:afterSwap", function () {
    const page = document.querySelector("[data-until-done]");
    if (page && !page.querySelector("[hx-trigger]")) {
      location.reload();
    }
  });

  function lost(isLost) {
    const notice = document.getElementById("offline");
    if (notice) {
      notice.hidden = !isLost;
    }
  }
  document.addEventListener("htmx:sendError", function () { lost(true); });
  document.addEventListener("htmx:afterOnLoad", function () { lost(false); });
})();

/* Full numbers shown on a page: refused answers are shown too, a session that has ended leads to the
   sign-in page, and what was shown does not stay on a page that is left lying open. */
(function () {
  "use strict";

  const SHOWN_FOR = 3 * 60 * 1000;
  let timer = 0;

  document.addEventListener("htmx:beforeSwap", function (event) {
    const asked = new URL(event.detail.pathInfo.requestPath, location.href).pathname;
    if (new URL(event.detail.xhr.responseURL).pathname !== asked) {
      event.detail.shouldSwap = false;
      location.reload();
    } else if (event.detail.xhr.status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    } else if (event.detail.xhr.status >= 400) {
      location.assign(location.pathname + location.search);
    }
  });

  document.addEventListener("htmx:afterSwap", function () {
    clearTimeout(timer);
    timer = setTimeout(function () { location.reload(); }, SHOWN_FOR);
  });

  /* A page that comes back from the browser's memory is asked for anew. */
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      location.reload();
    }
  });
})();

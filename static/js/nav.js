/* Header and menu: the folding menu of phones, drop-downs that close themselves, the print button,
   the notice of a lost connection. Without this file the menu opens by its address (#menu). */
(function () {
  "use strict";

  function closeDrops(except) {
    document.querySelectorAll("details.drop[open]").forEach(function (drop) {
      if (drop !== except) {
        drop.open = false;
      }
    });
  }

  document.addEventListener("click", function (event) {
    const burger = event.target.closest(".burger");
    if (burger) {
      event.preventDefault();
      const open = document.getElementById("menu").classList.toggle("open");
      burger.setAttribute("aria-expanded", String(open));
    }
    if (event.target.closest("[data-print]")) {
      window.print();
    }
    closeDrops(event.target.closest("details.drop"));
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") {
      return;
    }
    const open = document.querySelector("details.drop[open]");
    if (open) {
      closeDrops(null);
      open.querySelector("summary").focus();
    }
  });

  // The ledger keeps who printed which page.
  window.addEventListener("beforeprint", function () {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (token) {
      const form = new FormData();
      form.append("csrfmiddlewaretoken", token.value);
      form.append("page", location.pathname);
      const own = document.querySelector("[data-printed]");
      navigator.sendBeacon(own ? own.dataset.printed : "/ledger/printed/", form);
    }
  });

  function showConnection() {
    const notice = document.getElementById("offline");
    if (notice) {
      notice.hidden = navigator.onLine;
    }
  }
  window.addEventListener("online", showConnection);
  window.addEventListener("offline", showConnection);
  showConnection();
})();

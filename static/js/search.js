/* What the search box finds while one types, in a list under it. Enter loads the whole page of
   results, as it does without this file; the word goes by POST and into no address. */
(function () {
  "use strict";

  const WAIT = 250;
  const box = document.getElementById("search");
  const form = box.form;
  const panel = document.createElement("div");
  let timer = 0;
  let running = null;
  let shown = "";

  panel.className = "found";
  panel.hidden = true;
  panel.setAttribute("role", "status");
  form.append(panel);
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = box.dataset.sheet;
  document.head.append(style);

  function close() {
    clearTimeout(timer);
    if (running) {
      running.abort();
    }
    panel.hidden = true;
    shown = "";
  }

  /* One letter begins half of all names; one Chinese character begins few enough. */
  function isEnough(text) {
    return text.length > 1 || (text.length === 1 && text.charCodeAt(0) > 127);
  }

  function ask() {
    const text = box.value.trim();
    if (!isEnough(text)) {
      close();
      return;
    }
    if (text === shown) {
      return;
    }
    if (running) {
      running.abort();
    }
    running = new AbortController();
    const typed = new FormData(form);
    typed.append("live", "1");
    fetch(form.action, { method: "POST", body: typed, signal: running.signal, credentials: "same-origin" })
      .then(function (response) {
        return response.ok && !response.redirected ? response.text() : "";
      })
      .then(function (answer) {
        const page = new DOMParser().parseFromString(answer, "text/html");
        panel.replaceChildren.apply(panel, Array.from(page.body.childNodes));
        panel.hidden = !answer || !form.contains(document.activeElement);
        shown = answer ? text : "";
      })
      .catch(function () {
        /* The page of results is still there for whoever presses Enter. */
      });
  }

  function soon(event) {
    if (!event.isComposing) {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    }
  }

  function move(by) {
    const stops = [box].concat(Array.from(panel.querySelectorAll("a")));
    const place = stops.indexOf(document.activeElement);
    const next = stops[Math.min(Math.max(place + by, 0), stops.length - 1)];
    if (next) {
      next.focus();
    }
  }

  box.addEventListener("input", soon);
  box.addEventListener("compositionend", function () {
    soon({ isComposing: false });
  });

  form.addEventListener("submit", close);

  form.addEventListener("keydown", function (event) {
    if (event.isComposing || panel.hidden) {
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      box.focus();
      close();
    }
  });

  form.addEventListener("focusout", function (event) {
    if (event.relatedTarget && !form.contains(event.relatedTarget)) {
      close();
    }
  });

  document.addEventListener("click", function (event) {
    if (!form.contains(event.target)) {
      close();
    }
  });

  if (box.value) {
    soon({ isComposing: false });
  }
})();

/* Filters of a list without a button: the page is fetched with the new conditions and the parts
   marked data-part are put in place. Without this file, or after any fault, the form loads a page. */
(function () {
  "use strict";

  const WAIT = 400;
  let timer = 0;
  let running = null;
  let counting = null;
  /* A field that is taken away while it has the focus reports a change; nobody made that one. */
  let placing = false;

  function addressOf(form) {
    const query = new URLSearchParams();
    new FormData(form).forEach(function (value, key) {
      if (value !== "") {
        query.append(key, value);
      }
    });
    return form.getAttribute("action") + "?" + query.toString();
  }

  /* A town belongs to its county: a new county makes the old town meaningless. */
  function clearBelow(field) {
    const chain = ["county", "town", "village"];
    const place = chain.indexOf(field.name);
    if (place < 0) {
      return;
    }
    chain.slice(place + 1).forEach(function (name) {
      if (field.form.elements[name]) {
        field.form.elements[name].value = "";
      }
    });
  }

  function put(page, keepForm) {
    placing = true;
    document.querySelectorAll("[data-part]").forEach(function (part) {
      const fresh = page.getElementById(part.id);
      if (fresh && !(keepForm && part.querySelector("form[data-live]"))) {
        part.replaceWith(document.importNode(fresh, true));
      }
    });
    placing = false;
    document.title = page.title;
    const said = document.getElementById("said");
    const count = document.querySelector("#list h2");
    if (said && count) {
      said.textContent = count.textContent;
    }
    countToTheEnd();
  }

  /* A long list comes without its exact length; that is fetched once the rows stand there. */
  function countToTheEnd() {
    const link = document.querySelector("#list a[data-count]");
    if (!link) {
      return;
    }
    const head = link.closest("h2");
    if (counting) {
      counting.abort();
    }
    counting = new AbortController();
    fetch(link.href, { signal: counting.signal, credentials: "same-origin" })
      .then(function (response) {
        return response.ok ? response.text() : "";
      })
      .then(function (text) {
        const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("#list h2");
        if (fresh && head.isConnected) {
          head.replaceWith(document.importNode(fresh, true));
        }
      })
      .catch(function () {
        /* The link stays. */
      });
  }

  /* One entry in the history per choice, and one for a word however often the typing paused. */
  function record(address, typed) {
    const state = { list: true, typed: typed };
    if (typed && history.state && history.state.typed) {
      history.replaceState(state, "", address);
    } else {
      history.pushState(state, "", address);
    }
  }

  function load(address, keepForm, remember) {
    if (remember && new URL(address, location.href).href === location.href) {
      return;
    }
    const list = document.getElementById("list");
    const focused = document.activeElement ? document.activeElement.id : "";
    if (running) {
      running.abort();
    }
    running = new AbortController();
    list.classList.add("busy");
    list.setAttribute("aria-busy", "true");
    fetch(address, { signal: running.signal, credentials: "same-origin" })
      .then(function (response) {
        if (!response.ok || new URL(response.url).pathname !== new URL(address, location.href).pathname) {
          throw new Error("not the list");
        }
        return response.text();
      })
      .then(function (text) {
        put(new DOMParser().parseFromString(text, "text/html"), keepForm);
        if (remember) {
          record(address, keepForm);
        }
        const again = focused && document.getElementById(focused);
        if (again && again !== document.activeElement) {
          again.focus();
        }
      })
      .catch(function (fault) {
        if (fault.name !== "AbortError") {
          location.assign(address);
        }
      });
  }

  document.addEventListener("change", function (event) {
    const form = event.target.form;
    if (placing || !form || !form.matches("form[data-live]")) {
      return;
    }
    clearTimeout(timer);
    clearBelow(event.target);
    load(addressOf(form), event.target.tagName !== "SELECT", true);
  });

  document.addEventListener("input", function (event) {
    const form = event.target.form;
    if (!form || !form.matches("form[data-live]") || event.isComposing || event.target.tagName === "SELECT") {
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(function () {
      load(addressOf(form), true, true);
    }, WAIT);
  });

  document.addEventListener("submit", function (event) {
    if (event.target.matches("form[data-live]")) {
      event.preventDefault();
      clearTimeout(timer);
      load(addressOf(event.target), false, true);
    }
  });

  countToTheEnd();

  window.addEventListener("popstate", function (event) {
    if (event.state && event.state.list) {
      load(location.href, false, false);
    } else {
      location.reload();
    }
  });
})();

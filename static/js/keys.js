/* Keys that work on every page: "/" to the search box, "?" shows this list, "[" and "]" turn pages. */
(function () {
  "use strict";

  function isTyping(target) {
    return target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
  }

  function visible(element) {
    return Boolean(element && element.getClientRects().length);
  }

  function focusSearch() {
    const boxes = [document.getElementById("search"), document.getElementById("id_q")];
    const box = boxes.find(visible);
    if (box) {
      box.focus();
      box.select();
    }
  }

  function follow(selector) {
    const link = document.querySelector(selector);
    if (link) {
      link.click();
    }
  }

  function showKeys() {
    const dialog = document.getElementById("keys");
    if (dialog && dialog.showModal && !dialog.open) {
      dialog.showModal();
    }
  }

  const acts = {
    "/": focusSearch,
    "?": showKeys,
    "[": function () { follow("a[rel=prev]"); },
    "]": function () { follow("a[rel=next]"); },
  };

  /* What a field does besides comes with a script of its own, fetched when somebody enters it. */
  document.addEventListener("focusin", function (event) {
    const own = event.target.dataset.script;
    if (own) {
      event.target.removeAttribute("data-script");
      const script = document.createElement("script");
      script.src = own;
      document.head.append(script);
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) {
      return;
    }
    const act = acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
})();

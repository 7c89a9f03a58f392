/* Choosing rows of a list: one box for the page, how many are chosen, and the whole search instead of
   single rows. Without this file every box and the buttons work all the same. */
(function () {
  "use strict";

  function barOf() {
    return document.querySelector("form[data-select]");
  }

  function boxes() {
    return document.querySelectorAll("td.pick input[type=checkbox]");
  }

  function tell() {
    const bar = barOf();
    if (!bar) {
      return;
    }
    const all = bar.elements.all;
    const page = document.getElementById("pick-page");
    const said = bar.querySelector("[data-said]");
    const isAll = Boolean(all && all.checked);
    let count = 0;
    let total = 0;
    boxes().forEach(function (box) {
      total += 1;
      box.disabled = isAll;
      if (box.checked) {
        count += 1;
      }
      box.closest("tr").classList.toggle("chosen", isAll || box.checked);
    });
    page.closest("[data-page]").hidden = false;
    page.disabled = isAll;
    page.checked = total > 0 && count === total;
    page.indeterminate = count > 0 && count < total;
    said.hidden = false;
    const unit = bar.getAttribute("data-unit") || "户";
    said.textContent = isAll ? "已选筛选结果的全部" + unit : "已选 " + count + " " + unit;
    bar.querySelectorAll("button[type=submit]").forEach(function (button) {
      button.disabled = !isAll && count === 0;
    });
  }

  document.addEventListener("change", function (event) {
    const field = event.target;
    if (field.id === "pick-page") {
      boxes().forEach(function (box) {
        box.checked = field.checked;
      });
    } else if (field.name !== "all" && !field.closest("td.pick")) {
      return;
    }
    tell();
  });

  /* The list is put in place anew after a filter: nothing is chosen in it. */
  const list = document.getElementById("page");
  if (list && window.MutationObserver) {
    new MutationObserver(function (changes) {
      const isNew = changes.some(function (change) {
        return Array.prototype.some.call(change.addedNodes, function (node) {
          return node.querySelector && node.querySelector("form[data-select]");
        });
      });
      if (isNew) {
        tell();
      }
    }).observe(list, { childList: true, subtree: true });
  }

  tell();
})();

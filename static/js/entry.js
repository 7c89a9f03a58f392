/* The entry page: what was left is checked by the server, rows come and go, keys do the rest. */
(function () {
  "use strict";

  const form = document.getElementById("entry");
  const people = document.getElementById("people");
  let changed = form.hasAttribute("data-changed");
  let sending = false;
  let asked = 0;
  const open = {};
  const REST = 400;

  const entry = {
    form: form,
    isChanged: function () { return changed; },
    touch: function () {
      changed = true;
      form.dispatchEvent(new CustomEvent("entry:touched"));
    },
    settle: function () { changed = false; },
  };
  window.povertyopsEntry = entry;

  function controls() {
    return Array.prototype.filter.call(form.elements, function (one) {
      // Enter passes over buttons: whoever goes down the form must not press one on the way.
      const counts = one.type !== "hidden" && (one.type !== "button" && one.type !== "submit" || one.value === "submit");
      return counts && one.tabIndex >= 0 && !one.disabled && one.getClientRects().length > 0
        && !one.closest("details:not([open])");
    });
  }

  function focusNext(from) {
    const all = controls();
    const next = all[all.indexOf(from) + 1];
    if (next) {
      next.focus();
      if (next.select && next.type === "text") {
        next.select();
      }
    }
  }

  /* --- checks ----------------------------------------------------------------------------- */

  function finding(one, said) {
    if (!one.is_query) {
      const why = document.createElement("p");
      why.className = "why";
      why.textContent = one.message;
      return why;
    }
    const box = document.createElement("div");
    const words = document.createElement("p");
    const label = document.createElement("label");
    const input = document.createElement("input");
    box.className = "query";
    box.setAttribute("data-key", one.key);
    words.textContent = one.message;
    label.textContent = "核实说明 ";
    input.type = "text";
    input.name = "confirmed." + one.key;
    input.maxLength = 200;
    input.value = said[input.name] || "";
    label.appendChild(input);
    box.appendChild(words);
    box.appendChild(label);
    return box;
  }

  function show(control, findings) {
    const field = control.closest("[data-where]");
    const place = field && field.querySelector("[data-why]");
    if (!place) {
      return;
    }
    if (place.contains(document.activeElement)) {
      return;
    }
    const said = {};
    place.querySelectorAll("input").forEach(function (one) { said[one.name] = one.value; });
    place.textContent = "";
    findings.forEach(function (one) { place.appendChild(finding(one, said)); });
    const wrong = findings.some(function (one) { return !one.is_query; });
    field.classList.toggle("wrong", wrong);
    if (findings.length) {
      control.setAttribute("aria-describedby", place.id);
    } else {
      control.removeAttribute("aria-describedby");
    }
    if (wrong) {
      control.setAttribute("aria-invalid", "true");
    } else {
      control.removeAttribute("aria-invalid");
    }
  }

  function sum(summary) {
    const texts = Object.assign({}, summary, summary.totals);
    const progress = document.getElementById("progress");
    progress.max = summary.wanted;
    progress.value = summary.filled;
    form.querySelectorAll("[data-sum]").forEach(function (one) {
      const text = texts[one.getAttribute("data-sum")];
      if (text !== undefined) {
        one.textContent = text;
      }
    });
    Object.keys(summary.people).forEach(function (row) {
      const who = people.querySelector('[data-row="' + row + '"] [data-who]');
      if (who) {
        who.textContent = summary.people[row];
      }
    });
  }

  /* Fields that say something now: what is mended elsewhere may take it back. */
  function told() {
    const found = form.querySelectorAll("[data-where] [data-why]:not(:empty)");
    return Array.prototype.map.call(found, function (one) {
      return one.closest("[data-where]").getAttribute("data-where");
    });
  }

  function check(control) {
    const data = new FormData(form);
    const turn = ++asked;
    // Left, but not answered yet: the answer to an older question is not waited for.
    const others = told().concat(Object.keys(open)).filter(function (where, at, all) {
      return where !== control.name && all.indexOf(where) === at;
    });
    open[control.name] = true;
    data.append("where", control.name);
    others.forEach(function (where) { data.append("told", where); });
    fetch(form.getAttribute("data-check"), { method: "POST", body: data, credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (answer) {
        // Answers come in any order; only the youngest question's is true.
        if (!answer || turn !== asked) {
          return;
        }
        Object.keys(answer.findings).forEach(function (where) {
          delete open[where];
          const one = form.elements.namedItem(where);
          if (one && one.tagName) {
            show(one, answer.findings[where]);
          }
        });
        sum(answer.summary);
      })
      .catch(function () { /* no network: the draft says so, and submitting checks everything */ });
  }

  /* A list changes with every key: it is asked about when it is left, or when the keys rest. */
  let resting = null;
  let chosen = null;

  function checkChosen() {
    clearTimeout(resting);
    if (chosen) {
      check(chosen);
      chosen = null;
    }
  }

  form.addEventListener("input", function () { entry.touch(); });
  form.addEventListener("change", function (event) {
    entry.touch();
    const name = event.target.name || "";
    if (!/^(household|year|members)\./.test(name)) {
      return;
    }
    checkChosen();
    if (event.target.tagName === "SELECT") {
      chosen = event.target;
      resting = setTimeout(checkChosen, REST);
    } else {
      check(event.target);
    }
  });
  form.addEventListener("focusout", checkChosen);
  // What was left while the line was down is asked about now, in one question.
  window.addEventListener("online", function () {
    const left = Object.keys(open).map(function (name) { return form.elements.namedItem(name); });
    const here = left.filter(function (one) { return one && one.tagName; });
    if (here.length) {
      check(here[0]);
    }
  });

  /* --- rows ------------------------------------------------------------------------------- */

  function rows() {
    return people.querySelectorAll(".person");
  }

  function number() {
    rows().forEach(function (row, at) {
      row.querySelector("[data-number]").textContent = at + 1;
    });
  }

  function nextRow() {
    const taken = Array.prototype.map.call(rows(), function (row) { return Number(row.getAttribute("data-row")); });
    return taken.length ? Math.max.apply(null, taken) + 1 : 0;
  }

  /* A copy of the row in the template, its names and labels bearing its number. */
  function numbered(template, at) {
    const row = document.importNode(template.content, true).firstElementChild;
    [row].concat(Array.from(row.querySelectorAll("*"))).forEach(function (one) {
      Array.from(one.attributes).forEach(function (attribute) {
        attribute.value = attribute.value.replace(/__row__/g, String(at));
      });
    });
    return row;
  }

  function addRow(at) {
    if (!form.querySelector("[data-add]")) {
      // A closed year takes no members.
      return;
    }
    const row = numbered(document.getElementById("row"), at);
    people.appendChild(row);
    dress(row);
    number();
    entry.touch();
    row.querySelector('[name="members.' + at + '.person.name"]').focus();
  }

  entry.addRow = addRow;

  function dress(row) {
    const button = row.querySelector("[data-remove]");
    if (button) {
      button.hidden = false;
    }
  }

  form.addEventListener("click", function (event) {
    if (event.target.closest("[data-add]")) {
      event.preventDefault();
      addRow(nextRow());
    }
    const remove = event.target.closest("[data-remove]");
    if (remove) {
      const row = remove.closest(".person");
      const before = row.previousElementSibling;
      row.remove();
      number();
      entry.touch();
      const back = before && before.querySelector("input:not([type=hidden])");
      (back || form.querySelector("[data-add]")).focus();
    }
  });

  /* --- keys ------------------------------------------------------------------------------- */

  form.addEventListener("keydown", function (event) {
    if (event.isComposing || event.keyCode === 229) {
      return;
    }
    const target = event.target;
    if (event.key === "Enter" && !event.ctrlKey && !event.altKey && !event.metaKey) {
      if (/^(INPUT|SELECT)$/.test(target.tagName) && target.type !== "submit") {
        event.preventDefault();
        focusNext(target);
      }
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.isComposing) {
      return;
    }
    if (event.altKey && (event.key === "n" || event.key === "N" || event.code === "KeyN")) {
      event.preventDefault();
      addRow(nextRow());
    } else if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      submit();
    } else if ((event.ctrlKey || event.metaKey) && (event.key === "s" || event.key === "S")) {
      event.preventDefault();
      form.dispatchEvent(new CustomEvent("entry:save"));
    }
  });

  function submit() {
    const button = form.querySelector('[name="do"][value="submit"]');
    if (!sending && button) {
      button.click();
    }
  }

  form.addEventListener("submit", function (event) {
    if (sending) {
      event.preventDefault();
      return;
    }
    const again = event.submitter ? function () { event.submitter.click(); } : submit;
    const handing = new CustomEvent("entry:handing-in", { cancelable: true, detail: again });
    if (!form.dispatchEvent(handing)) {
      event.preventDefault();
      return;
    }
    sending = true;
    changed = false;
    form.dispatchEvent(new CustomEvent("entry:sending"));
  });
  // Back from the next page: the form can be sent again.
  window.addEventListener("pageshow", function () { sending = false; });
  window.addEventListener("beforeunload", function (event) {
    if (changed && !sending) {
      event.preventDefault();
      event.returnValue = "";
    }
  });

  const keys = document.querySelector("[data-keys]");
  keys.hidden = false;
  keys.addEventListener("click", function () { document.getElementById("keys").showModal(); });

  rows().forEach(dress);
  number();
  const found = document.getElementById("found");
  if (found) {
    found.focus();
  } else {
    const first = form.querySelector(".field input, .field select");
    if (first && !location.hash) {
      first.focus();
    }
  }
})();

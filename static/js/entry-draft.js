/* Keeping what was typed: on the server 1.5 s after the last key, in this browser while there is no
   network, and back again. What the browser kept goes as soon as the server has it, and at signing out. */
(function () {
  "use strict";

  const entry = window.povertyopsEntry;
  const form = entry.form;
  const saved = document.getElementById("saved");
  const bar = document.getElementById("local");
  const down = document.getElementById("line-down");
  const seq = form.elements.namedItem("seq");
  const PREFIX = "povertyops-entry:";
  const place = PREFIX + form.getAttribute("data-user") + ":" + form.elements.namedItem("household_no").value + ":" + location.search;
  const WAIT = 1500;
  const RETRY = 5000;
  // What nobody came back to in a day is not kept on a shared machine.
  const DAY = 24 * 3600 * 1000;
  let timer = null;
  let stopped = false;

  function say(text) {
    saved.textContent = text;
  }

  function pairs() {
    const told = [];
    new FormData(form).forEach(function (value, name) {
      if (name !== "csrfmiddlewaretoken" && typeof value === "string") {
        told.push([name, value]);
      }
    });
    return told;
  }

  function keepHere() {
    try {
      localStorage.setItem(place, JSON.stringify({ at: Date.now(), told: pairs() }));
      down.hidden = false;
      say("网络不通，已暂存在本机，恢复后自动保存");
    } catch (error) {
      say("网络不通，本机也存不下，请不要关闭页面");
    }
  }

  function forgetHere() {
    localStorage.removeItem(place);
  }

  /* The network is gone: only then does anything personal stay in this browser. */
  function lost() {
    keepHere();
    timer = setTimeout(save, RETRY);
  }

  /* The server answers, but not with the draft: it is asked again, and nothing is kept here. */
  function refused(answer) {
    down.hidden = true;
    if (answer.redirected || answer.status === 401 || answer.status === 403) {
      say("登录已失效，草稿未保存：请在另一窗口登录后按 Ctrl+S");
      return;
    }
    say("草稿暂时没有保存上，稍后自动再试");
    timer = setTimeout(save, RETRY);
  }

  function kept(told, then) {
    if (told.message) {
      stopped = true;
      say("草稿未保存：" + told.message);
      return;
    }
    if (String(told.seq) === seq.value) {
      entry.settle();
    }
    forgetHere();
    down.hidden = true;
    say("草稿已于 " + told.saved + " 自动保存");
    if (then) {
      then();
    }
  }

  function save(then) {
    clearTimeout(timer);
    if (stopped) {
      return;
    }
    seq.value = String(Number(seq.value) + 1);
    if (!navigator.onLine) {
      lost();
      return;
    }
    fetch(form.getAttribute("data-draft"), { method: "POST", body: new FormData(form), credentials: "same-origin" })
      .then(function (answer) {
        const type = answer.headers.get("content-type") || "";
        if (answer.redirected || type.indexOf("json") < 0) {
          refused(answer);
          return null;
        }
        return answer.json().then(function (told) { kept(told, typeof then === "function" ? then : null); });
      })
      .catch(lost);
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
  }

  form.addEventListener("entry:touched", soon);
  form.addEventListener("entry:save", function () { save(); });
  // What only this browser has is not handed in before the server has it: the line may break again.
  form.addEventListener("entry:handing-in", function (event) {
    if (!navigator.onLine || localStorage.getItem(place)) {
      event.preventDefault();
      save(event.detail);
    }
  });
  form.addEventListener("entry:sending", function () {
    stopped = true;
    clearTimeout(timer);
  });
  window.addEventListener("pageshow", function () { stopped = false; });
  document.addEventListener("submit", function (event) {
    if (/\/logout\/$/.test(event.target.getAttribute("action") || "")) {
      forgetHere();
    }
  });
  window.addEventListener("online", function () {
    if (entry.isChanged()) {
      save();
    } else {
      down.hidden = true;
    }
  });
  window.addEventListener("offline", function () {
    down.hidden = false;
    if (entry.isChanged()) {
      keepHere();
    }
  });

  /* --- what this browser still has ---------------------------------------------------------- */

  function forgetOthers() {
    Object.keys(localStorage).forEach(function (key) {
      if (key.indexOf(PREFIX) !== 0) {
        return;
      }
      let at = 0;
      try {
        at = JSON.parse(localStorage.getItem(key)).at;
      } catch (error) {
        at = 0;
      }
      const own = key.indexOf(PREFIX + form.getAttribute("data-user") + ":") === 0;
      if (!own || Date.now() - at > DAY) {
        localStorage.removeItem(key);
      }
    });
  }

  /* Lines of persons that this page does not have yet, with the numbers they bore. */
  function addRows(told) {
    told.forEach(function (pair) {
      const found = /^members\.(\d+)\./.exec(pair[0]);
      if (found && !form.querySelector('#people [data-row="' + found[1] + '"]')) {
        entry.addRow(Number(found[1]));
      }
    });
  }

  function put(told) {
    const ticks = form.querySelectorAll("input[type=checkbox]");
    addRows(told);
    ticks.forEach(function (one) {
      one.checked = told.some(function (pair) { return pair[0] === one.name && pair[1] === one.value; });
    });
    told.forEach(function (pair) {
      if (/^(key|version|seq|household_no|do)$/.test(pair[0])) {
        return;
      }
      const found = form.elements.namedItem(pair[0]);
      if (found && found.tagName && found.type !== "checkbox") {
        found.value = pair[1];
        found.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    entry.touch();
  }

  function offer() {
    const text = localStorage.getItem(place);
    if (!text) {
      return;
    }
    const here = JSON.parse(text);
    const take = bar.querySelector("[data-local-take]");
    const drop = bar.querySelector("[data-local-drop]");
    bar.querySelector("[data-local-words]").textContent =
      "本机暂存有 " + new Date(here.at).toLocaleString("zh-CN") + " 断网时填写的内容";
    bar.hidden = take.hidden = drop.hidden = false;
    take.addEventListener("click", function () {
      bar.hidden = true;
      put(here.told);
      form.querySelector("[data-add]").focus();
    });
    drop.addEventListener("click", function () {
      forgetHere();
      bar.hidden = true;
    });
  }

  const button = form.querySelector("[data-save]");
  button.hidden = false;
  button.addEventListener("click", function () { save(); });
  forgetOthers();
  offer();
})();

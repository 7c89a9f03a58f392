/* How much is to be done in each section, beside its name: what is wrong, else what is to be confirmed.
   A total that is not what its parts add up to is marked: asked about when the entry is handed in. */
(function () {
  "use strict";

  const form = document.getElementById("entry");
  const links = document.querySelectorAll(".sections a");
  let waiting = 0;

  /* A query that has its reason stands; it is counted no more. */
  function open(section) {
    return Array.prototype.filter.call(section.querySelectorAll(".query input"), function (one) {
      return one.value.trim() === "";
    }).length;
  }

  function tell(link) {
    const section = document.getElementById(link.getAttribute("href").slice(1));
    const wrong = section ? section.querySelectorAll(".why").length : 0;
    const asked = section ? open(section) : 0;
    let count = link.querySelector(".count");
    if (!wrong && !asked) {
      if (count) {
        count.remove();
      }
      return;
    }
    if (!count) {
      count = document.createElement("span");
      link.appendChild(count);
    }
    const text = wrong ? wrong + " 处错" : asked + " 处核实";
    count.className = wrong ? "count bad" : "count";
    if (count.textContent !== text) {
      count.textContent = text;
    }
  }

  /* Without a stated total, or a part that is not stated, there is nothing to compare. */
  function compare(output) {
    const stated = form.elements.namedItem("year." + output.getAttribute("data-sum"));
    const typed = stated && stated.value.replace(/[,，\s]/g, "");
    const computed = Number(output.textContent.replace(/,/g, ""));
    const differs = Boolean(typed) && !isNaN(computed) && !isNaN(Number(typed)) && Math.abs(Number(typed) - computed) >= 0.005;
    output.classList.toggle("differs", differs);
  }

  function count() {
    waiting = 0;
    links.forEach(tell);
    form.querySelectorAll("output[data-sum]").forEach(compare);
  }

  function soon() {
    if (!waiting) {
      waiting = requestAnimationFrame(count);
    }
  }

  new MutationObserver(soon).observe(form, { childList: true, subtree: true });
  form.addEventListener("input", soon);
  count();
})();

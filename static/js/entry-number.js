/* Who a document number tells of: sex, and age at the end of the year, as soon as its last character
   stands there. The server says the same when the field is left; this needs no network. */
(function () {
  "use strict";

  const form = document.getElementById("entry");
  const year = Number(form.getAttribute("data-year"));
  const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const CHECKS = "10X98765432";

  function isDay(born) {
    const day = new Date(Date.UTC(born[0], born[1] - 1, born[2]));
    return day.getUTCMonth() === born[1] - 1 && day.getUTCDate() === born[2];
  }

  /* Words for a whole and right number (18 characters, or a disabled person's 20 or 22); else none. */
  function who(text) {
    const number = text.replace(/\s/g, "").toUpperCase();
    if (!/^\d{17}[\dX]([1-7][1-4]([\dA-Z]{2})?)?$/.test(number) || number.indexOf("999999") === 0) {
      return "";
    }
    const sum = WEIGHTS.reduce(function (all, weight, at) { return all + weight * Number(number[at]); }, 0);
    const born = [Number(number.slice(6, 10)), Number(number.slice(10, 12)), Number(number.slice(12, 14))];
    if (CHECKS[sum % 11] !== number[17] || !isDay(born) || born[0] > year) {
      return "";
    }
    return (Number(number[16]) % 2 ? "男" : "女") + " · " + (year - born[0]) + " 岁";
  }

  form.addEventListener("input", function (event) {
    if (!/^members\.\d+\.person\.id_no$/.test(event.target.name || "")) {
      return;
    }
    const words = who(event.target.value);
    const place = event.target.closest("[data-row]").querySelector("[data-who]");
    if (words && place) {
      place.textContent = words;
    }
  });
})();

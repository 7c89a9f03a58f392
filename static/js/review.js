/* One box ticks all changes of the village; without scripts each has its own. */
(function () {
  "use strict";
  var all = document.querySelector("[data-tick-all]");
  if (!all) { return; }
  var boxes = document.querySelectorAll("input[name=change]");
  function tell() {
    var ticked = 0;
    boxes.forEach(function (box) { if (box.checked) { ticked += 1; } });
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  all.addEventListener("change", function () {
    boxes.forEach(function (box) { box.checked = all.checked; });
  });
  boxes.forEach(function (box) { box.addEventListener("change", tell); });
  document.getElementById("tick-all").hidden = false;
  tell();
}());


(function () {
  "use strict";
  var form = document.getElementById("filter");
  var said = document.getElementById("shown");
  if (!form) return;
  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }
  function shown(within) {
    return all(".run", within).filter(function (run) { return !run.hidden; }).length;
  }
  function show() {
    var wanted = all("select", form).filter(function (select) { return select.value; });
    all(".run").forEach(function (run) {
      run.hidden = wanted.some(function (select) { return run.getAttribute("data-" + select.name) !== select.value; });
    });
    all(".older").forEach(function (older) {
      var some = shown(older) > 0;
      var alone = some && wanted.length > 0 && all(".newest", older.closest(".subject"))[0].hidden;
      older.hidden = !some;
      older.classList.toggle("alone", alone);
      var folded = all("details", older)[0];
      if (alone) { folded.open = true; folded.setAttribute("data-opened", ""); }
      else if (folded.hasAttribute("data-opened")) { folded.open = false; folded.removeAttribute("data-opened"); }
    });
    all(".subject, .group").forEach(function (part) { part.hidden = shown(part) === 0; });
    var count = shown();
    said.textContent = wanted.length ? count + (count === 1 ? " report" : " reports") + " shown of " + all(".run").length : "";
  }
  form.hidden = false;
  form.addEventListener("change", show);
  form.addEventListener("reset", function () { setTimeout(show, 0); });
  show();
})();

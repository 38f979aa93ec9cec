// Marks the tables that do not fit, or only in columns too narrow to read, so that `site.css` makes a card of each row.
(function () {
  "use strict";
  function stack() {
    document.querySelectorAll("article table:not(.highlighttable)").forEach(function (table) {
      var heads = Array.from(table.querySelectorAll("thead th"), function (head) { return head.textContent.trim(); });
      table.removeAttribute("class"); // the theme draws the lines of tables that have none
      var box = table.closest(".md-typeset__scrollwrap") || table.parentElement;
      var fits = box.scrollWidth <= box.clientWidth + 1;
      var tall = Array.from(table.rows).some(function (row) { return row.offsetHeight > 150; });
      if (fits && !(tall && window.innerWidth < 720)) return;
      table.querySelectorAll("tbody tr").forEach(function (row) {
        Array.from(row.cells).forEach(function (cell, index) {
          if (index || /^[\d.,]+$/.test(cell.textContent.trim())) cell.dataset.head = heads[index] || "";
        });
      });
      table.classList.add("stacked");
    });
  }
  var width = 0;
  new ResizeObserver(function () {
    if (window.innerWidth !== width) { width = window.innerWidth; stack(); }
  }).observe(document.documentElement);
})();

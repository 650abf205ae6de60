"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  /* Figures come without the colours of text, grids and ground: they follow the page. */
  const themed = (layout) => {
    const changes = {
      "font.color": colour("--ink"),
      "hoverlabel.bgcolor": colour("--raised"),
      "hoverlabel.bordercolor": colour("--line"),
      "hoverlabel.font.color": colour("--ink"),
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      changes[`${axis}.gridcolor`] = colour("--grid");
      changes[`${axis}.linecolor`] = colour("--line");
      changes[`${axis}.tickcolor`] = colour("--line");
      changes[`${axis}.color`] = colour("--soft");
    }
    (layout.annotations || []).forEach((_, place) => {
      changes[`annotations[${place}].bgcolor`] = colour("--ground");
    });
    return changes;
  };

  const plots = [...document.querySelectorAll(".plot")].filter((plot) => plot.id in figures);
  const draw = async (plot) => {
    const { data, layout } = figures[plot.id];
    await Plotly.newPlot(plot, data, layout, { responsive: true, displayModeBar: false });
    await Plotly.relayout(plot, themed(layout));
  };
  const recolour = () => Promise.all(plots.map((plot) => Plotly.relayout(plot, themed(plot.layout))));

  document.getElementById("theme").addEventListener("click", () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
    root.dataset.theme = isDark ? "light" : "dark";
    recolour();
  });
  prefersDark.addEventListener("change", recolour);
  Promise.all(plots.map(draw)).then(() => { root.dataset.drawn = "yes"; });
})();

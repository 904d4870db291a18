// Names the gross faults of a page as it is laid out: too wide, cut text, texts on top of each other.
(() => {
  const faults = [];
  const width = document.documentElement.clientWidth;
  const name = (element) => {
    const own = element.id ? `#${element.id}` : element.className?.baseVal ?? element.className;
    const text = (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `${element.tagName.toLowerCase()} ${own} "${text}"`;
  };
  const shown = (element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
  };
  // What is only for screen readers is cut to nothing on purpose, and so is all that is in it.
  const unseen = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const box = at.getBoundingClientRect();
      const style = getComputedStyle(at);
      if (style.overflow === "hidden" && box.width <= 1 && box.height <= 1) return true;
      if (style.clipPath !== "none" || style.clip !== "auto") return true;
    }
    return false;
  };
  // What can be scrolled to is not cut.
  const scroller = (element) => {
    for (let at = element; at; at = at.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return at;
    return null;
  };

  if (document.documentElement.scrollWidth > width)
    faults.push(`the document is ${document.documentElement.scrollWidth} px wide in ${width} px`);

  const leaves = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg") || !shown(element) || unseen(element)) continue;
    const style = getComputedStyle(element);
    const hidden = ["hidden", "clip"];
    if (hidden.includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1)
      faults.push(`cut at its side: ${name(element)}`);
    if (hidden.includes(style.overflowY) && element.scrollHeight > element.clientHeight + 1)
      faults.push(`cut at its foot: ${name(element)}`);
    const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!words.length) continue;
    for (const node of words) {
      const range = document.createRange();
      range.selectNodeContents(node);
      // Each line has a box of its own.
      for (const box of range.getClientRects()) leaves.push({ element, box, at: scroller(element) });
    }
    const box = element.getBoundingClientRect();
    if (!scroller(element) && box.right > width + 1) faults.push(`beyond the right edge: ${name(element)}`);
    // A link to skip to is out of the way until it has the focus.
    if (box.right < 0 && !element.matches("a.skip")) faults.push(`beyond the left edge: ${name(element)}`);
  }

  // Lines of text that lie on one another. Below and above each other they may touch: lines are set close.
  const fixed = (element) => {
    for (let at = element; at; at = at.parentElement)
      if (["fixed", "sticky"].includes(getComputedStyle(at).position)) return true;
    return false;
  };
  leaves.sort((one, other) => one.box.top - other.box.top);
  for (let i = 0; i < leaves.length; i += 1) {
    const one = leaves[i];
    for (let k = i + 1; k < leaves.length && leaves[k].box.top < one.box.bottom; k += 1) {
      const other = leaves[k];
      if (one.element === other.element || one.at !== other.at) continue;
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      const least = Math.min(one.box.height, other.box.height);
      if (wide > 2 && high > 0.4 * least && !fixed(one.element) && !fixed(other.element))
        faults.push(`on top of each other: ${name(one.element)} and ${name(other.element)}`);
    }
  }
  return [...new Set(faults)].slice(0, 12);
})()

"""Finds text too faint to read: a contrast below AA (4.5; 3 for large text and icons) against what lies behind it."""

from __future__ import annotations

from typing import Any

SCRIPT = """() => {
  const canvas = document.createElement('canvas'); canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const rgba = (color) => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const behind = (node) => { const layers = [];
    for (let at = node; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor);
      if (c[3] > 0) layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const node = walk.currentNode.parentElement; const text = walk.currentNode.data.trim();
    if (!text || !node || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(node.tagName)) continue;
    const style = getComputedStyle(node); const box = node.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || style.visibility === 'hidden') continue;
    if (node.closest('[disabled],[aria-disabled=true]')) continue;
    let opacity = 1; for (let at = node; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    if (opacity < 0.05) continue;
    const ground = behind(node); const color = rgba(style.color); color[3] *= opacity;
    const a = light(over(color, ground)), b = light(ground);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), icon = style.fontFamily.includes('Material');
    const large = icon || size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push([text.slice(0, 40), Math.round(ratio * 100) / 100, style.color]); }
  return found; }"""


def faint(page: Any) -> list[Any]:
    """Each text that stays too faint, with its contrast and colour; styles may take a moment to fade in."""
    for _ in range(12):
        found: list[Any] = page.evaluate(SCRIPT)
        if not found:
            break
        page.wait_for_timeout(250)
    return found

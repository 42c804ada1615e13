/** A course of numbers without axes. What it shows is told in words beside it. */
export function Sparkline({ points, width = 84, height = 20 }: { points: readonly number[]; width?: number; height?: number }) {
  const d = sparkPath(points, width, height);
  const size = { width: `${width / 13}rem`, height: `${height / 13}rem` };
  if (!d) return <svg class="spark" {...size} aria-hidden="true" />;
  return (
    <svg class="spark" {...size} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={d} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" stroke-linecap="round" />
    </svg>
  );
}

/** Draws numbers into a box; what is not finite leaves a hole. */
export function sparkPath(points: readonly number[], width: number, height: number): string {
  let min = Infinity;
  let max = -Infinity;
  for (const p of points) {
    if (!Number.isFinite(p)) continue;
    min = Math.min(min, p);
    max = Math.max(max, p);
  }
  if (points.length < 2 || min > max) return "";
  const span = max - min || 1;
  const step = (width - 2) / (points.length - 1);
  let out = "";
  let pen = false;
  points.forEach((p, i) => {
    if (!Number.isFinite(p)) {
      pen = false;
      return;
    }
    const y = max === min ? height / 2 : 1.5 + (1 - (p - min) / span) * (height - 3);
    out += `${pen ? "L" : "M"}${(1 + i * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return out;
}

/** Colours that can be read on a light and on a dark page. */
export const COLORS = {
  text: '#808080',
  line: '#80808066',
  good: '#2f9e68',
  bad: '#d9822b',
  series: [
    ...['#4c78c8', '#d9822b', '#2f9e68', '#b05cb0', '#c04a4a'],
    ...['#8a8a3a', '#3a9aa8', '#a06a4a', '#808080', '#d0609a'],
  ],
} as const

/** A drawing of that size, in pixels. */
export function svg(width: number, height: number, parts: readonly string[]): string {
  const font = 'font-family="system-ui, sans-serif" font-size="12"'
  const box = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} ${font}>\n${parts.join('\n')}\n</svg>\n`
}

export type Anchor = 'start' | 'middle' | 'end'

export function text(
  x: number,
  y: number,
  words: string,
  anchor: Anchor = 'start',
  color?: string,
) {
  const fill = color ?? COLORS.text
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${fill}">${escaped(words)}</text>`
}

export function line(x1: number, y1: number, x2: number, y2: number, color: string = COLORS.line) {
  const at = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`
  return `<line ${at} stroke="${color}"/>`
}

export function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

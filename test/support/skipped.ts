/** What switches a test off, or all others; `this.skip()` is another matter: it says why, where it runs. */
const SWITCHED =
  /\b(?:it|specify|describe|context|suite|test)\s*\.\s*(?:skip|only)\b|\bx(?:it|specify|describe|context)\s*\(|\b(?:it|specify)\(\s*(?:'[^'\n]*'|"[^"\n]*"|`[^`]*`),?\s*\)/

/** @returns the first words of a file's text that switch off tests; `undefined`: none do */
export function switchedOff(text: string): string | undefined {
  return SWITCHED.exec(text)?.[0]
}

/**
 * What a test does, as text: from its title to the next test.
 *
 * @returns `undefined` when there is no such title
 */
export function testCalled(title: string, text: string): string | undefined {
  const begin = text.indexOf(`'${title}'`)
  if (begin === -1) return undefined
  const rest = text.slice(begin)
  const end = /\n *(?:it|specify|describe|context)\(/.exec(rest)
  return end === null ? rest : rest.slice(0, end.index)
}

/** Something wrong with the configuration, not yet located. */
export interface Problem {
  /** The key it is about, with list indexes; empty for the file as a whole. */
  readonly path: readonly PropertyKey[]
  /** Follows the key, so it begins with a verb: "is not …". */
  readonly message: string
  /** True when the key itself is wrong, not its value: then the place is the key's. */
  readonly key?: boolean
}

/** The configuration cannot be used. Its message has one line per problem, each with the place to look at. */
export class ConfigError extends Error {
  static override readonly name = 'ConfigError'
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    const lines = problems.map(oneLine)
    super(lines.join('\n'), options)
    this.problems = lines
  }
}

/** Line breaks and control characters (from a key or a file name) must not forge further lines. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ')
}

/** A path as a person writes it: `ipns.readOnlyKeys.2` is the second entry. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? String(part + 1) : String(part))).join('.')
}

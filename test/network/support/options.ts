import { parseArgs } from 'node:util'

/** What every benchmark understands. */
export interface Options<Name extends string> {
  readonly write: boolean
  readonly quick: boolean
  /** The numbers that it takes. */
  readonly numbers: Readonly<Record<Name, number>>
}

/** A number that a benchmark takes: its value if it is not given, and with `--quick`. */
export type Numbers<Name extends string> = Readonly<
  Record<Name, { usual: number; quick: number; what: string }>
>

/**
 * Reads the options of a benchmark.
 *
 * @returns `undefined` when the help was asked for, and shown
 * @throws Error for a person when an option is unknown or no number
 */
export function readOptions<Name extends string>(
  args: readonly string[],
  about: string,
  numbers: Numbers<Name>,
): Options<Name> | undefined {
  const names = Object.keys(numbers) as Name[]
  const { values } = parseArgs({
    args: [...args],
    options: {
      write: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  }) as { values: Record<string, string | boolean | undefined> }
  if (values['help'] === true) {
    const line = (name: Name): string => {
      const { what, usual, quick } = numbers[name]
      return `  --${name} N`.padEnd(16) + `${what} (${usual}; ${quick} with --quick)`
    }
    console.log(
      [about, '', ...names.map(line), '  --write       puts the figures into docs/network.md'].join(
        '\n',
      ),
    )
    return undefined
  }
  const quick = values['quick'] === true
  const read = (name: Name): number => {
    const given = values[name]
    if (given === undefined) return quick ? numbers[name].quick : numbers[name].usual
    if (typeof given !== 'string' || !/^[1-9]\d*$/.test(given))
      throw new Error(`--${name} is a whole number from 1 on, not ${given}`)
    return Number(given)
  }
  const entries = names.map((name) => [name, read(name)] as const)
  return {
    write: values['write'] === true,
    quick,
    numbers: Object.fromEntries(entries) as Record<Name, number>,
  }
}

import { parseArgs } from 'node:util'
import { UsageError } from './io.ts'

const OPTIONS = {
  config: { type: 'string' },
  data: { type: 'string' },
  output: { type: 'string', short: 'o' },
  json: { type: 'boolean' },
  limit: { type: 'string' },
  'dry-run': { type: 'boolean' },
  replace: { type: 'boolean' },
  repair: { type: 'boolean' },
  'trust-clock': { type: 'boolean' },
  'accept-loss': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/** The options of all commands. */
export type OptionName = keyof typeof OPTIONS

/** A command line, taken apart. */
export interface Arguments {
  readonly options: Readonly<ReturnType<typeof parse>['values']>
  /** Everything that is no option, the command first. */
  readonly words: readonly string[]
}

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): Arguments {
  try {
    const { values, positionals } = parse(argv)
    return { options: values, words: positionals }
  } catch (error) {
    if (
      !(error instanceof TypeError) ||
      !('code' in error) ||
      !String(error.code).startsWith('ERR_PARSE_ARGS')
    )
      throw error
    throw new UsageError(firstSentence(error.message), { cause: error })
  }
}

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
}

/** Node goes on to explain how to pass a word that begins with a dash. */
function firstSentence(message: string): string {
  const [first = message] = message.split(/\. |\n/)
  return first.replace(/\.$/, '')
}

/**
 * Checks that a command got what it takes and nothing else.
 *
 * @param takes the options it knows, besides --help, and how many words follow it
 * @throws UsageError
 */
export function expect(
  { options, words }: Arguments,
  takes: { options: readonly OptionName[]; words: readonly [least: number, most: number] },
): void {
  const command = words[0] ?? 'heliport'
  const foreign = (Object.keys(options) as OptionName[]).find(
    (name) => !takes.options.includes(name),
  )
  if (foreign !== undefined) throw new UsageError(`heliport ${command} has no option --${foreign}`)
  const given = words.length - 1
  const [least, most] = takes.words
  if (given < least) throw new UsageError(`heliport ${command} needs more: see heliport help`)
  if (given > most)
    throw new UsageError(`heliport ${command} does not know what to do with "${words[most + 1]}"`)
}

import { parseArgs } from 'node:util'
import { FORMS, synopsis } from './commands.ts'
import { UsageError } from './io.ts'
import { OPTIONS } from './options.ts'
import type { OptionName } from './options.ts'

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
 * Checks that a command got what its form says and nothing else.
 *
 * @param args the words begin with the command's whole name: `key export`
 * @throws UsageError which names what is missing, or too much
 */
export function expect({ options, words: [command = '', ...given] }: Arguments): void {
  const form = FORMS.find(({ name }) => name === command)
  if (form === undefined) throw new Error(`${command} has no form`)
  const wrong = (complaint: string): UsageError =>
    new UsageError(`heliport ${command} ${complaint}`, { command })
  const foreign = (Object.keys(options) as OptionName[]).find(
    (name) => !form.options.includes(name),
  )
  if (foreign !== undefined) throw wrong(`has no option --${foreign}`)
  const missing = form.words.slice(given.length).filter((word) => !word.startsWith('['))
  if (missing.length > 0) throw wrong(`lacks ${missing.join(' and ')}: write ${synopsis(form)}`)
  const surplus = given[form.words.length]
  if (surplus !== undefined) throw wrong(`does not know what to do with "${surplus}"`)
}

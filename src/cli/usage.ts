import { FORMS, synopsis } from './commands.ts'
import { OPTION_WORDS } from './options.ts'
import type { CommandForm } from './commands.ts'
import type { OptionName } from './options.ts'

/** Where the second column begins; what is longer before it gets a line of its own. */
const COLUMN = 41

/** All commands, as `heliport help` shows them. */
export function usage(): string {
  return `heliport: a container registry that lives inside an IPFS node

usage:
${FORMS.map(usageLine).join('')}
options:
${optionLines(['config', 'data', 'help', 'version'])}
Without --config and --data, the data directory is that of the defaults and the environment (REGISTRY_…).
\`heliport COMMAND --help\` tells a command's options, an example and its exit codes.
Every option of the configuration is explained in example-config.yaml.
`
}

/** One command, or several of one name, with all there is to know. */
export function commandUsage(forms: readonly CommandForm[]): string {
  return forms.map(formUsage).join('\n')
}

function formUsage(form: CommandForm): string {
  const { options, summary, example } = form
  const order = Object.keys(OPTION_WORDS) as OptionName[]
  const own = order.filter((name) => name === 'help' || options.includes(name))
  const exits = Object.entries(exitsOf(form)).map(([code, words]) => row(code, words, 6))
  return `usage: ${synopsis(form)}
  ${summary}

options:
${optionLines(own)}
example:
  ${example}

exit codes:
${exits.join('')}`
}

function exitsOf({ options, exits }: CommandForm): Readonly<Record<number, string>> {
  const usual = exits !== undefined && Object.keys(exits).length === 0
  return {
    0: 'it is done',
    ...(usual ? {} : { 1: 'it could not be done; the message says why' }),
    2: 'the command line is wrong',
    ...(options.includes('config') ? { 78: 'the configuration is wrong' } : {}),
    70: 'a defect of Heliport',
    ...exits,
  }
}

function optionLines(names: readonly OptionName[]): string {
  const rows = names.map((name) => OPTION_WORDS[name])
  const width = Math.max(...rows.map(([form]) => form.length)) + 5
  return rows.map(([form, words]) => row(form, words, width)).join('')
}

function usageLine(form: CommandForm): string {
  return row(synopsis(form), form.summary, COLUMN)
}

/** Two columns; the first is indented by two, and the second begins at `width`. */
function row(first: string, second: string, width: number): string {
  const left = `  ${first}`
  const gap = left.length < width ? left.padEnd(width) : `${left}\n${' '.repeat(width)}`
  return `${gap}${second}\n`
}

import { expect, parseArguments } from './arguments.ts'
import { formsOf } from './commands.ts'
import { isOperatorError } from './daemon-face.ts'
import { CommandError, EXIT, UsageError } from './io.ts'
import { commandUsage, usage } from './usage.ts'
import type { Arguments } from './arguments.ts'
import type { CommandIO } from './io.ts'

type Command = (args: Arguments, io: CommandIO) => Promise<number>

/** Each command is loaded when it is called, so that `heliport help` answers at once. */
const COMMANDS = new Map<string, () => Promise<Command>>([
  ['serve', async () => (await import('./serve.ts')).serve],
  ['status', async () => (await import('./status.ts')).status],
  ['key', async () => (await import('./key.ts')).key],
  ['user', async () => (await import('./user.ts')).user],
  ['swarm', async () => (await import('./swarm.ts')).swarm],
  ['export', async () => (await import('./export.ts')).exportTree],
  ['gc', async () => (await import('./gc.ts')).gc],
  ['fsck', async () => (await import('./fsck.ts')).fsck],
  ['log', async () => (await import('./log.ts')).log],
  ['diff', async () => (await import('./diff.ts')).diff],
  ['rollback', async () => (await import('./rollback.ts')).rollback],
  ['version', async () => printVersion],
  ['help', async () => printUsage],
])

/**
 * Runs a command line.
 *
 * @param argv without Node and the script
 * @returns the exit code; what a person can put right has been explained on stderr, anything else is thrown
 */
export async function run(argv: readonly string[], io: CommandIO): Promise<number> {
  try {
    const args = parseArguments(argv)
    return await (
      await choose(args)
    )(args, io)
  } catch (error) {
    return explain(error, io)
  }
}

async function choose({ options, words }: Arguments): Promise<Command> {
  if (options.help === true) return printUsage
  if (options.version === true) return printVersion
  const [name] = words
  if (name === undefined) throw new UsageError('no command')
  const load = COMMANDS.get(name)
  if (load === undefined) throw new UsageError(`"${name}" is no command`)
  return await load()
}

function explain(error: unknown, { stderr, signal }: CommandIO): number {
  const tell = (text: string, code: number): number => {
    for (const line of text.split('\n')) stderr.write(`heliport: ${line}\n`)
    return code
  }
  if (signal.aborted && error instanceof Error && error.name === 'AbortError')
    return tell('interrupted', EXIT.failed)
  if (error instanceof UsageError) {
    const help = error.command === undefined ? 'help' : `${error.command} --help`
    return tell(`${error.message}; see heliport ${help}`, EXIT.usage)
  }
  if (error instanceof Error && error.name === 'ConfigError')
    return tell(error.message, EXIT.config)
  if (error instanceof CommandError) return tell(error.message, error.code)
  if (isOperatorError(error)) return tell(oneLine(error), EXIT.failed)
  throw error
}

function oneLine(error: Error): string {
  const taken = 'code' in error && error.code === 'EADDRINUSE'
  const hint = taken ? ': another program listens there, choose another port' : ''
  return `${error.message.replaceAll('\n', ' ')}${hint}`
}

async function printVersion(args: Arguments, { stdout }: CommandIO): Promise<number> {
  if (args.options.version !== true) expect(args)
  const { version } = await import('./version.ts')
  stdout.write(`${await version()}\n`)
  return EXIT.ok
}

/** `heliport help key export` is `heliport key export --help`. */
async function printUsage({ words }: Arguments, { stdout }: CommandIO): Promise<number> {
  const asked = words[0] === 'help' ? words.slice(1) : words
  const forms = formsOf(asked)
  if (forms.length === 0 && asked.length > 0) throw new UsageError(`"${asked[0]}" is no command`)
  stdout.write(asked.length === 0 ? usage() : commandUsage(forms))
  return EXIT.ok
}

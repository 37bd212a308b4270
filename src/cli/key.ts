import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect } from './arguments.ts'
import { fileError } from './file-error.ts'
import { findDaemon } from './find-daemon.ts'
import { CommandError, EXIT, UsageError } from './io.ts'
import { remoteKeys, takeOverKey } from './remote-keys.ts'
import { writeSecretFile } from './secret-file.ts'
import { findTarget, runningDaemon } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { OfflineKeys } from './daemon-face.ts'
import type { CommandIO } from './io.ts'

/** An RSA key of 8192 bits is below 5 KiB. */
const LARGEST_KEY = 16 * 1024

/** `heliport key show|export|import|takeover`: the keychain, through the daemon when one runs. */
export async function key(args: Arguments, io: CommandIO): Promise<number> {
  const [, verb, ...names] = args.words
  const rest = { ...args, words: [`key ${verb ?? ''}`.trim(), ...names] }
  switch (verb) {
    case 'show':
      return await show(rest, io)
    case 'export':
      return await exportKey(rest, io)
    case 'import':
      return await importKey(rest, io)
    case 'takeover':
      return await takeOver(rest, io)
    default:
      throw new UsageError('write heliport key show, key export, key import or key takeover', {
        command: 'key',
      })
  }
}

async function openKeys(args: Arguments, io: CommandIO): Promise<OfflineKeys> {
  const { dataDir, config } = await findTarget(args, io)
  const daemon = await findDaemon(dataDir, io.signal)
  if (daemon !== undefined) return remoteKeys(daemon)
  const module = await io.loadDaemon()
  return await module.openKeysOffline(config)
}

async function show(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  await using keys = await openKeys(args, io)
  const [, name] = args.words
  const entries = (await keys.list()).filter((entry) => name === undefined || entry.name === name)
  if (entries.length === 0 && name !== undefined)
    throw new CommandError(`there is no key named ${name}`)
  if (args.options.json === true) io.stdout.write(`${JSON.stringify(entries)}\n`)
  else for (const entry of entries) io.stdout.write(`${entry.name}\t${entry.id}\n`)
  return EXIT.ok
}

async function exportKey(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const [, name = ''] = args.words
  const { output } = args.options
  if (output === undefined)
    throw new UsageError('heliport key export needs -o FILE: a private key is not for a terminal', {
      command: 'key export',
    })
  await using keys = await openKeys(args, io)
  await writeSecretFile(output, await keys.export(name), io)
  io.stderr.write(
    `heliport: wrote the private key ${name} to ${output}: whoever has it can publish in your name\n`,
  )
  return EXIT.ok
}

async function importKey(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const [, name = '', path = ''] = args.words
  const replace = args.options.replace === true
  const bytes = await readKey(path, io)
  await using keys = await openKeys(args, io)
  if (!replace && (await keys.list()).some((entry) => entry.name === name)) {
    throw new CommandError(
      `there is a key named ${name} already: export it first if you need it, then add --replace, which destroys it`,
    )
  }
  await keys.import(name, bytes, { replace })
  const entry = (await keys.list()).find((found) => found.name === name)
  io.stdout.write(`${name}\t${entry?.id ?? 'imported'}\n`)
  return EXIT.ok
}

async function readKey(path: string, { cwd }: CommandIO): Promise<Uint8Array> {
  const bytes = await readFile(resolve(cwd, path)).catch((error: unknown) => {
    throw fileError(error, { as: 'FILE', path, to: 'read' })
  })
  if (bytes.length > 0 && bytes.length <= LARGEST_KEY) return bytes
  throw new CommandError(`FILE ${path}: it is no private key, as heliport key export writes it`)
}

/** Another writer is only ever met by a daemon that runs. */
async function takeOver(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const daemon = await runningDaemon(args, io)
  const { id, above } = await takeOverKey(daemon)
  io.stdout.write(`${id}\tpublished again, above sequence ${above}\n`)
  io.stderr.write('heliport: another writer that still runs with this key stops publishing now\n')
  return EXIT.ok
}

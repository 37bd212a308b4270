import { expect } from './arguments.ts'
import { CommandError, EXIT, UsageError } from './io.ts'
import { findTarget } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { CommandIO } from './io.ts'

/** `heliport user add|remove|list`: the file of users (`auth.htpasswd`), which a daemon reads again by itself. */
export async function user(args: Arguments, io: CommandIO): Promise<number> {
  const [, verb, ...names] = args.words
  const rest = { ...args, words: [`user ${verb ?? ''}`.trim(), ...names] }
  switch (verb) {
    case 'add':
      return await add(rest, io)
    case 'remove':
      return await remove(rest, io)
    case 'list':
      return await list(rest, io)
    default:
      throw new UsageError('write heliport user add, user remove or user list', { command: 'user' })
  }
}

async function add(args: Arguments, io: CommandIO): Promise<number> {
  // It may be a password, which belongs in no command line, and in no message.
  if (args.words.length > 2)
    throw new UsageError(
      'heliport user add takes one name; the password is asked for, or read from standard input',
      { command: 'user add' },
    )
  expect(args)
  const [, name = ''] = args.words
  const file = await userFile(args, io)
  const users = await io.loadUsers()
  const password = await io.readSecret(`Password of ${name}: `)
  const had = await users.setUser(file, name, password)
  io.stdout.write(`${name}\t${had ? 'has another password' : 'added'}\n`)
  return EXIT.ok
}

async function remove(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const [, name = ''] = args.words
  const users = await io.loadUsers()
  if (!(await users.removeUser(await userFile(args, io), name)))
    throw new CommandError(`there is no user ${name}`)
  io.stdout.write(`${name}\tremoved; tokens and passwords of his end within a minute\n`)
  return EXIT.ok
}

async function list(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const users = await io.loadUsers()
  const names = await users.listUsers(await userFile(args, io))
  if (args.options.json === true) io.stdout.write(`${JSON.stringify(names)}\n`)
  else for (const name of names) io.stdout.write(`${name}\n`)
  return EXIT.ok
}

async function userFile(args: Arguments, io: CommandIO): Promise<string> {
  const { config } = await findTarget(args, io)
  if (config.auth.htpasswd !== null) return config.auth.htpasswd
  throw new CommandError('auth.htpasswd names no file of users: set it, and say by --config where')
}

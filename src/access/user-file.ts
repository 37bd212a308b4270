import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { UserListError, parseUserList } from './user-list.ts'
import type { UserList } from './user-list.ts'

/** How often it is looked whether the file is another one, in ms. */
const LOOK_MS = 2000

/** Where is told what became of a change. */
export interface UserFileLog {
  info(what: object, message: string): void
  error(what: object, message: string): void
}

/**
 * The file of users, which is read again within seconds of a change: by its name, so that it may be replaced. One that cannot
 * be read or is wrong changes nothing, and is told of.
 */
export class UserFile implements Disposable {
  readonly #path: string
  readonly #log: UserFileLog
  #users: UserList

  private constructor(path: string, log: UserFileLog, users: UserList) {
    this.#path = path
    this.#log = log
    this.#users = users
  }

  /** @throws UserListError, also when there is no such file */
  static async open(path: string, log: UserFileLog): Promise<UserFile> {
    const file = new UserFile(path, log, await readUserFile(path))
    watchFile(path, { interval: LOOK_MS, persistent: false }, file.#changed)
    return file
  }

  get users(): UserList {
    return this.#users
  }

  [Symbol.dispose](): void {
    unwatchFile(this.#path, this.#changed)
  }

  readonly #changed = (): void => void this.#reload()

  async #reload(): Promise<void> {
    try {
      this.#users = await readUserFile(this.#path)
      this.#log.info({ users: this.#users.size }, 'the file of users was read again')
    } catch (error) {
      if (!(error instanceof UserListError)) throw error
      this.#log.error(
        { err: error },
        'the file of users has changed and is wrong: the users stay as they were',
      )
    }
  }
}

/** @throws UserListError */
async function readUserFile(path: string): Promise<UserList> {
  try {
    return parseUserList(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof UserListError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    const what =
      code === 'ENOENT' ? 'there is no such file; heliport user add NAME makes it' : message
    throw new UserListError(`auth.htpasswd: ${path}: ${what}`, { cause: error })
  }
}

import type { Config } from '../config/schema.ts'

/**
 * What the commands know of the daemon: this file is the contract with `src/daemon.ts`, which is only ever
 * imported when it has work to do (Helia takes half a second to load).
 */

/** A key of this node's keychain, without its secret. */
export interface KeyEntry {
  readonly name: string
  /** The IPNS name it publishes under (`k51…`). */
  readonly id: string
}

/** How far an export is. */
export interface ExportProgress {
  readonly files: number
  readonly bytes: number
}

/** A daemon that serves. */
export interface Daemon extends AsyncDisposable {
  /** Where the registry API listens, with the real port. */
  readonly httpAddress: { readonly host: string; readonly port: number }
  readonly peerId: string
  /** The name of our own registry; `undefined` on a read-only node. */
  readonly ipnsName: string | undefined
  /** Resolves when the daemon has stopped; rejects when it died of something it could not handle. */
  readonly closed: Promise<void>
}

/** Where log lines go. Each `write` is one or more whole lines. */
export interface LogDestination {
  write(lines: string): unknown
  /** Whether a person is watching: `log.format: auto` is then pretty. */
  readonly isTTY?: boolean | undefined
}

/** The configuration as it is now, for what can change while the daemon runs. */
export interface ConfigSource {
  /** Something that is another whenever the configuration may be another, and costs little. */
  stamp(): Promise<string>
  /** @throws ConfigError */
  read(): Promise<Config>
}

export interface StartOptions {
  /** Aborted when the daemon is to stop; it then drains and closes. */
  signal: AbortSignal
  log?: LogDestination | undefined
  /**
   * Calls the listener when files that can change are to be read anew (SIGHUP), until what it returns is called.
   */
  onReload?: ((listener: () => void) => () => void) | undefined
  /** For the `lock` file: the process that signals go to. */
  pid?: number | undefined
  /** Absent where the configuration is no file. */
  source?: ConfigSource | undefined
}

/** The keychain, opened without a daemon. */
export interface OfflineKeys extends AsyncDisposable {
  list(): Promise<KeyEntry[]>
  /** The private key as a libp2p protobuf, unencrypted: `libp2p-protobuf-cleartext` in Kubo. */
  export(name: string): Promise<Uint8Array>
  /** @throws when there is a key of this name and `replace` is not true */
  import(name: string, key: Uint8Array, options: { replace: boolean }): Promise<unknown>
}

/** The exports of `src/daemon.ts` that commands use. All of them throw when the data directory is in use. */
export interface DaemonModule {
  /**
   * Starts everything, and resolves when the registry API answers.
   *
   * @throws an error of one line ({@link isOperatorError}) for what the operator must put right
   */
  startDaemon(config: Config, options: StartOptions): Promise<Daemon>
  openKeysOffline(config: Config): Promise<OfflineKeys>
  /** Writes the registry as files into a directory that is empty or not there yet. */
  exportOffline(
    config: Config,
    directory: string,
    options: { signal: AbortSignal; onProgress(progress: ExportProgress): void },
  ): Promise<unknown>
}

/** The exports of `src/daemon/check-offline.ts`, which does without the network and so without Helia. */
export interface CheckModule {
  /** Checks everything that is stored; throws when the directory is in use. Yields what `POST /api/v1/fsck` sends, line by line. */
  checkOffline(
    config: Config,
    options: { repair: boolean; acceptLoss?: boolean; signal: AbortSignal },
  ): AsyncIterable<object>
}

/** The exports of `src/access/users.ts`: the file of users, which needs no daemon. They throw an error of one line. */
export interface UsersModule {
  /** @returns whether there was such a user, whose password is another one now */
  setUser(file: string, name: string, password: string): Promise<boolean>
  /** False: there was no such user. */
  removeUser(file: string, name: string): Promise<boolean>
  listUsers(file: string): Promise<string[]>
}

/** Names of errors whose message is written for the operator: one line, no stack. */
const OPERATOR_ERRORS = new Set([
  'StartError',
  'KeyError',
  'DataDirectoryInUseError',
  'DamagedDatabaseError',
  'StorageError', // the disk fails: no start that helps, and no fault of ours
  'ListenError',
  'RegistryError',
  'UserListError',
  'TokenKeyError',
])

/** Whether the error says by itself what to do, so that a stack would only hide it. */
export function isOperatorError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if (OPERATOR_ERRORS.has(error.name)) return true
  // The system's own refusals: a port that is taken, a directory that may not be written, a full disk.
  return 'syscall' in error && typeof error.syscall === 'string'
}

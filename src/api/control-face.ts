import type { Abortable } from '../registry/ports.ts'

/** An IPNS key of this node's keychain, without its secret. */
export interface KeyInfo {
  /** Its name in the keychain. */
  name: string
  /** The IPNS name it publishes under (`k51…`). */
  id: string
}

/** Whose key is published under again. */
export interface TakenOver {
  /** The IPNS name (`k51…`). */
  id: string
  /** The other writer's sequence, as text: ours will be higher. */
  above: string
}

/** How far an export is. HTTP sends it as a line of JSON, and ends a whole export with `{"done":true}`. */
export interface ExportProgress {
  /** Files written so far. */
  files: number
  /** Bytes written so far. */
  bytes: number
}

/** One commit of the registry's history. */
export interface CommitInfo {
  /** Counts commits from 1. */
  sequence: number
  /** ISO 8601. */
  time: string
  /** The root of the published tree after it, a CID. */
  root: string
  /** The root of the tree that is not published, if anything was in it. */
  privateRoot?: string
  /** What it did, in the field's words. */
  changes: readonly object[]
}

/**
 * What commands ask of a running daemon over its Unix socket. The daemon implements it; HTTP only carries it.
 * Every method throws RegistryError for what the caller got wrong (an unknown key, a directory that is not empty).
 */
export interface Control {
  listKeys(options?: Abortable): Promise<KeyInfo[]>
  /** The private key, in the form {@link Control.importKey} takes. */
  exportKey(name: string, options?: Abortable): Promise<Uint8Array>
  /** Puts a key into the keychain; one of the same name is only replaced when `replace` is true. */
  importKey(
    name: string,
    key: Uint8Array,
    options: Abortable & { replace: boolean },
  ): Promise<KeyInfo>
  /** Publishes again, above another writer of the same key, that was met before. */
  takeOver(options?: Abortable): Promise<TakenOver>
  /** Commits from the newest to the oldest. @param page `before`: only those before this sequence */
  commits(page: { limit: number; before?: number | undefined } & Abortable): Promise<CommitInfo[]>
  /** What is different in `to`; roots are CIDs, or the numbers of commits. */
  diff(from: string, to: string, options?: Abortable): AsyncIterable<object>
  /**
   * Collects garbage, telling how far it is; the last thing that comes is `{"report": …}`. It ends early when nobody
   * listens any longer, which harms nothing.
   *
   * @param options `trustClock`: the clock is right, however far it is ahead
   */
  collect(options: Abortable & { dryRun: boolean; trustClock: boolean }): AsyncIterable<object>
  /**
   * Checks everything that is stored, telling how far it is; the last thing that comes is `{"report": …}`. It ends early
   * when nobody listens any longer.
   *
   * @param options `acceptLoss`: with `repair`, goes on without what the journal lost, where it cannot be brought back
   */
  check(options: Abortable & { repair: boolean; acceptLoss: boolean }): AsyncIterable<object>
  /**
   * Makes the tree what it was under a root, as a new commit: tells what that changes, as {@link Control.diff}, and then
   * `{"rolledBack": <root>}`, which does not come when it is only tried.
   *
   * @param options `asClient`: what nobody may change over HTTP, this must not either
   */
  rollback(
    root: string,
    options: Abortable & { dryRun: boolean; asClient: boolean },
  ): AsyncIterable<object>
  /** Writes the registry as files into a directory of this machine, telling how far it is. */
  exportTree(directory: string, options?: Abortable): AsyncIterable<ExportProgress>
}

import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ControlClient } from './control-client.ts'

/** The longest path a Unix socket can have (macOS 104 with the final NUL, Linux 108). */
const LONGEST_SOCKET_PATH = 103

/**
 * The running daemon of a data directory; `undefined` when none runs.
 *
 * @throws the system's error when there is one that we may not speak to (another user's)
 */
export async function findDaemon(
  dataDir: string,
  signal: AbortSignal,
): Promise<ControlClient | undefined> {
  const path = await socketPath(dataDir)
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) return undefined
  const client = new ControlClient(path, signal)
  return (await client.answers()) ? client : undefined
}

/** The `lock` file names the socket; it stays behind when a daemon is killed, so it proves nothing by itself. */
async function socketPath(dataDir: string): Promise<string> {
  const named = socketIn(await readLock(join(dataDir, 'lock')))
  return named === undefined ? join(dataDir, 'heliport.sock') : resolve(dataDir, named)
}

async function readLock(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return ''
    throw error
  }
}

function socketIn(lock: string): string | undefined {
  try {
    const value: unknown = JSON.parse(lock)
    const named =
      typeof value === 'object' && value !== null && 'socket' in value ? value.socket : undefined
    return typeof named === 'string' ? named : undefined
  } catch (error) {
    // Empty, or half written by a daemon that is just starting.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import type { DaemonProcess } from '../../support/daemon-process.ts'

const LAUNCHER = join(import.meta.dirname, '../../../bin/heliport.cjs')

/** What `heliport export` writes. */
export async function exportTree(daemon: DaemonProcess, directory: string): Promise<void> {
  await run(process.execPath, [LAUNCHER, 'export', directory, '--config', daemon.configFile])
}

/** The root that a daemon has published; waits until it is the one it has. */
export async function publishedRoot(daemon: DaemonProcess): Promise<string> {
  const { storage } = await daemon.until(
    ({ ipns, storage: { root } }) => ipns?.publishedRoot === root,
  )
  return storage.root
}

/** Waits until a daemon serves this root of a mirror. */
export async function mirrorsRoot(daemon: DaemonProcess, root: string): Promise<void> {
  await daemon.until(({ mirrors }) => mirrors[0]?.root === root, { timeout: 60_000 })
}

/** Fails when two directories differ in any file. */
export async function assertSameFiles(a: string, b: string): Promise<void> {
  assert.equal(await run('diff', ['-r', a, b]), '')
}

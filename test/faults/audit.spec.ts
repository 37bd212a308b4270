import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { smallDisk } from './small-disk.ts'

const KIB = 1024

async function linesOf(file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('the audit log of a daemon', () => {
  it('has every acknowledged change when the daemon is killed', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'audit.log')
    await using daemon = await DaemonProcess.start({ config: { audit: { file } } })
    const client = new RegistryClient(daemon.url)
    const image = randomImage({ layers: [10, 20] })
    await client.pushImage('app', image, { tag: 'v1' })
    await daemon.kill()
    const lines = await linesOf(file)
    const actions = lines.map(({ action }) => action)
    assert.equal(actions.filter((action) => action === 'push-blob').length, 3)
    const last = lines.at(-1)
    assert.deepEqual(
      [last?.['action'], last?.['reference'], last?.['digest']],
      ['push-manifest', 'v1', image.digest],
    )
  })

  it('lets requests go on when its disk is full, says so, and has their lines afterwards', async function () {
    await using disk = await smallDisk(64 * KIB)
    if (disk === undefined) return this.skip()
    const file = join(disk.path, 'audit.log')
    await using daemon = await DaemonProcess.start({ config: { audit: { file } } })
    const client = new RegistryClient(daemon.url)
    const ballast = join(disk.path, 'ballast')
    await fill(ballast)
    // What is free of the page that the file has begun is still taken.
    while ((await readiness(daemon)).status !== 'degraded')
      await client.pushImage('app', randomImage({ layers: [10] }), { tag: 'v1' })
    const { reason } = await readiness(daemon)
    assert.equal(reason, 'the audit log cannot be written (audit.error in the status)')
    const status = await daemon.status()
    assert.match(JSON.stringify(status), /"audit":\{"error":"ENOSPC/)
    const image = randomImage({ layers: [10] })
    await client.pushImage('app', image, { tag: 'while-full' })
    await rm(ballast)
    while ((await readiness(daemon)).status !== 'ready')
      await new Promise((resolve) => void setImmediate(resolve))
    const lines = await linesOf(file)
    assert.ok(lines.some(({ reference }) => reference === 'while-full'))
    assert.ok(daemon.log.some((line) => line.includes('requests go on')))
  })

  it('is an error at the start when it cannot be opened', async () => {
    const config = { audit: { file: '/nowhere/audit.log' } }
    await assert.rejects(
      DaemonProcess.start({ config }),
      /audit\.file \/nowhere\/audit\.log cannot/,
    )
  })
})

async function fill(path: string): Promise<void> {
  for (let bytes = 64 * KIB; bytes >= KIB; bytes /= 2) {
    try {
      await writeFile(path, Buffer.alloc(bytes), { flag: 'a' })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}

async function readiness(daemon: DaemonProcess): Promise<{ status: string; reason?: string }> {
  return (await (await fetch(`${daemon.url}/readyz`)).json()) as { status: string }
}

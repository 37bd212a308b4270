/**
 * The `lan` mode in two network namespaces of its own, joined by a cable that leads nowhere else: two nodes find each
 * other by mDNS, and one gets a block from the other. Not a part of `npm test`: it needs Linux, root and iproute2.
 *
 *     sudo node test/ipfs/lan.netns.ts
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CID } from 'multiformats/cid'
import { randomBlock, startNode } from './nodes.ts'
import { watchNetwork } from './watch.ts'
import type { ChildProcess } from 'node:child_process'

const IPROUTE2 = 'ip'

const [role, cid] = process.argv.slice(2)
if (role === 'source') await source()
else if (role === 'reader') await reader(cid ?? '')
else await main()

/** Offers a block until its input ends. */
async function source(): Promise<void> {
  const node = await startNode({ config: { mode: 'lan' } })
  const block = await randomBlock(1_000_000)
  await node.blocks.put(block.cid, block.bytes)
  console.log(block.cid.toString())
  await once(process.stdin.resume(), 'end')
  await node.stop()
}

/** Knows nobody, and gets the block. */
async function reader(wanted: string): Promise<void> {
  using watch = watchNetwork()
  const node = await startNode({ config: { mode: 'lan' } })
  const started = performance.now()
  while (node.peers().length === 0) await new Promise((resolve) => void setTimeout(resolve, 50))
  console.log(`found by mDNS after ${Math.round(performance.now() - started)} ms`)
  const block = await node.fetchBlock(CID.parse(wanted))
  assert.equal(block.length, 1_000_000)
  for (const address of node.announcedAddresses()) assert.match(address, /^\/ip4\/(10\.99|127)\./)
  await node.stop()
  assert.deepEqual(
    watch.called.filter((ip) => !/^(10\.99\.0\.|127\.)/.test(ip)),
    [],
  )
  assert.deepEqual(new Set(watch.other), new Set(['UDPWRAP']))
  console.log('a block came over; nobody else was called, and no DNS was asked')
}

async function main(): Promise<void> {
  const [a, b] = [`heliport-a-${process.pid}`, `heliport-b-${process.pid}`]
  const children: ChildProcess[] = []
  const inside = (space: string, ...args: string[]) => {
    const command = ['netns', 'exec', space, process.execPath, import.meta.filename, ...args]
    const child = spawn(IPROUTE2, command, { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }
  try {
    ip('netns', 'add', a)
    ip('netns', 'add', b)
    ip('link', 'add', 'cable-a', 'netns', a, 'type', 'veth', 'peer', 'name', 'cable-b', 'netns', b)
    plugIn(a, 'cable-a', '10.99.0.1/24')
    plugIn(b, 'cable-b', '10.99.0.2/24')
    const offering = inside(a, 'source')
    const [wanted] = (await once(createInterface(offering.stdout), 'line')) as [string]
    const reading = inside(b, 'reader', wanted)
    reading.stdout.pipe(process.stdout)
    const [code] = (await once(reading, 'exit', { signal: AbortSignal.timeout(60_000) })) as [
      number,
    ]
    assert.equal(code, 0)
  } finally {
    for (const [i, child] of children.entries()) {
      child.stdin?.end()
      if (i > 0) child.kill() // the reader, if it has not ended by itself
      if (child.exitCode === null) await once(child, 'exit')
    }
    for (const space of [a, b]) ip('netns', 'delete', space)
  }
}

function plugIn(space: string, cable: string, address: string): void {
  ip('-n', space, 'link', 'set', 'lo', 'up')
  ip('-n', space, 'address', 'add', address, 'dev', cable)
  ip('-n', space, 'link', 'set', cable, 'up')
  ip('-n', space, 'route', 'add', '224.0.0.0/4', 'dev', cable)
}

function ip(...args: string[]): void {
  execFileSync(IPROUTE2, args, { stdio: 'inherit' })
}

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { encodeDirectory } from '../../src/blocks/nodes.ts'
import { NodeWrites } from '../../src/tree/node-writes.ts'
import type { MadeNode } from '../../src/blocks/nodes.ts'

const nodes = (count: number): MadeNode[] => {
  const { cid } = encodeDirectory([])
  return Array.from({ length: count }, (_, at) =>
    encodeDirectory([{ name: `${at}`, cid, treeSize: 4 }]),
  )
}

describe('directories on their way to the disk', () => {
  let written: string[]
  let known: string[]
  let waiting: (() => void)[]
  let refuse: Error | undefined
  let writes: NodeWrites

  beforeEach(() => {
    ;[written, known, waiting, refuse] = [[], [], [], undefined]
    writes = new NodeWrites(
      {
        async put(cid) {
          await new Promise<void>((resolve) => void waiting.push(resolve))
          if (refuse !== undefined) throw refuse
          written.push(cid.toString())
        },
      },
      { know: (cid) => void known.push(cid.toString()) },
    )
  })

  /** Lets the disk write everything, also what comes then. */
  async function letGo(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      for (const go of waiting.splice(0)) go()
      await setImmediate()
    }
  }

  const putAll = async (all: readonly MadeNode[]): Promise<void> => {
    for (const node of all) await writes.put(node)
  }

  it('go together, a few at once, and are all there at the end', async () => {
    const all = nodes(20)
    const done = writes.whole(async () => {
      await putAll(all)
      return 'drawn'
    })
    await setImmediate()
    assert.equal(waiting.length, 8)
    assert.deepEqual([written, known], [[], []])
    await letGo()
    assert.equal(await done, 'drawn')
    const cids = all.map(({ cid }) => cid.toString())
    assert.deepEqual(written.toSorted(), cids.toSorted())
    assert.deepEqual(known.toSorted(), cids.toSorted())
  })

  it('fail with the first that the disk refuses, and none of those is known', async () => {
    refuse = new Error('the disk is full')
    const done = writes.whole(() => putAll(nodes(3)))
    done.catch(() => undefined) // awaited below
    await letGo()
    await assert.rejects(done, /the disk is full/)
    assert.deepEqual(known, [])
    refuse = undefined
    const again = writes.whole(() => putAll(nodes(1)))
    await letGo()
    await again
  })

  it('are waited for when what draws them fails', async () => {
    let isOver = false
    const done = writes.whole(async () => {
      await putAll(nodes(2))
      throw new Error('a directory cannot be read')
    })
    done.catch(() => undefined).finally(() => (isOver = true))
    await setImmediate()
    assert.equal(isOver, false)
    await letGo()
    await assert.rejects(done, /cannot be read/)
    assert.equal(written.length, 2)
  })
})

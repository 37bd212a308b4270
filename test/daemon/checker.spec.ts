import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { parseName } from '../../src/oci/name.ts'
import { indexOf, randomImage, streamOf } from '../support/random-image.ts'
import { openFsckWorld, smallKey } from '../support/fsck-world.ts'
import type { FsckReport } from '../../src/daemon/fsck-report.ts'
import type { FsckWorld } from '../support/fsck-world.ts'

/** Of the only finding, whom it concerns, in one line each. */
function concerned({ findings }: FsckReport): string[] {
  assert.equal(findings.length, 1, JSON.stringify(findings))
  return (findings[0]?.concerns ?? []).map(
    ({ repository, tag, digest }) => `${repository ?? '-'} ${tag ?? '-'} ${digest ?? '-'}`,
  )
}

/** A registry with an image of a large layer under an index, and the hash and file of that layer. */
async function withLayer(world: FsckWorld) {
  const image = randomImage({ layers: [50_000, 300] })
  await world.push(image, 'team/app', 'v1')
  await world.push(indexOf([image]), 'team/app', 'all')
  const layer = image.blobs.find(({ size }) => size === 50_000) ?? assert.fail()
  const file = (await world.files()).get(layer.digest.slice(7)) ?? assert.fail()
  return { image, layer, file }
}

describe('a check of everything', () => {
  it('finds nothing in a registry that is well, and looks at all of it', async () => {
    await using world = await openFsckWorld()
    assert.equal((await world.check()).damaged, 0, 'an empty one')
    await world.push(randomImage({ layers: [3_300_000, 50_000, 300] }))
    await world.push(randomImage(), 'other', 'v2')
    const report = await world.check()
    assert.deepEqual(report.findings, [])
    const { blocks, bytes, commits, contents, manifests, links } = report.checked
    assert.deepEqual([contents, manifests], [9, 2])
    assert.ok(
      bytes > 3_350_000 && blocks > 20 && commits >= 2 && links >= 8,
      JSON.stringify(report),
    )
    const total = await world.storage.blocks.stored().count()
    assert.equal(blocks, total, 'every block that is stored, once')
  })

  it('names the block, the place, and the tags of a damaged layer, through an index too', async () => {
    await using world = await openFsckWorld()
    const { layer, file } = await withLayer(world)
    for (const damage of [
      () => writeFile(file, 'rot'),
      () => truncate(file, 1000),
      () => truncate(file, 0),
      () => rm(file),
      () => mkdir(file), // it cannot be read
    ]) {
      await damage()
      const report = await world.check()
      assert.deepEqual([report.damaged, report.mended], [1, 0])
      assert.deepEqual(concerned(report), [
        `- - ${layer.digest}`,
        `team/app - ${layer.digest}`,
        `team/app all ${layer.digest}`,
        `team/app v1 ${layer.digest}`,
      ])
      const [finding] = report.findings
      assert.match(finding?.path ?? '', /blobs\/sha256\/.*\/data$/)
      assert.match(finding?.advice ?? '', /--repair/)
    }
    assert.equal((await world.check(true)).damaged, 1)
  })

  it('changes nothing unless it is told to repair, and then sets aside what is damaged', async () => {
    await using world = await openFsckWorld()
    const { file } = await withLayer(world)
    await writeFile(file, 'rot')
    await world.check()
    assert.equal(await readFile(file, 'utf8'), 'rot')
    const { damaged, findings } = await world.check(true)
    assert.equal(damaged, 1)
    assert.match(findings[0]?.advice ?? '', /no connected peer has it/)
    await assert.rejects(readFile(file))
    const name = file.split('/').at(-1) ?? ''
    const aside = join(world.data, 'data', 'blocks', 'damaged', name)
    assert.equal(await readFile(aside, 'utf8'), 'rot')
  })

  it('brings back what somebody has, and is then content', async () => {
    await using world = await openFsckWorld()
    const { layer, file } = await withLayer(world)
    const { healer, lane } = world.storage
    const root = (await world.storage.blocks.get(lane.root)) ?? assert.fail()
    const good = [root, layer.bytes]
    healer.connect({
      fetch: async (cid) =>
        good.find((bytes) => bytes.length === (cid.equals(lane.root) ? root.length : 50_000)) ??
        assert.fail(),
      onHealed: () => undefined,
      onLost: () => undefined,
    })
    await writeFile(file, 'rot')
    await world.write([{ key: smallKey(lane.root.toString()), value: Buffer.from('rot') }])
    const report = await world.check(true)
    assert.deepEqual([report.damaged, report.mended], [0, 2], JSON.stringify(report))
    assert.ok((await readFile(file)).equals(layer.bytes))
    assert.ok(report.findings.every(({ mended }) => mended))
    assert.equal((await world.check()).damaged, 0)
  })

  it('finds a damaged or missing node, and goes on with the others', async () => {
    await using world = await openFsckWorld()
    const { file } = await withLayer(world)
    const { lane, directories, state, cache } = world.storage
    let { cid } = { cid: lane.root }
    for (const name of ['docker', 'registry', 'v2', 'repositories', 'team'])
      cid = (await directories.lookup(cid, name))?.cid ?? assert.fail()
    cache.clear()
    const key = smallKey(cid.toString())
    const whole = (await state.get(key)) ?? assert.fail()
    await rm(file)
    for (const value of [Buffer.from('rot'), undefined]) {
      await world.write([{ key, value }])
      const { findings } = await world.check()
      const kinds = findings.map(({ path }) => path?.split('/').slice(3, 5).join('/'))
      assert.deepEqual(new Set(kinds), new Set(['blobs/sha256', 'repositories/team']))
      assert.ok(findings.some(({ block }) => block === cid.toString()))
    }
    await world.write([{ key, value: whole }])
    assert.equal((await world.check()).damaged, 1)
  })

  it('finds damage in the tree of an older commit, and says in which', async () => {
    await using world = await openFsckWorld()
    const { layer, file } = await withLayer(world)
    const { sequence } = (await world.storage.journal.newest()).entry ?? assert.fail()
    await world.service.deleteBlob(parseName('team/app'), layer.digest)
    await world.storage.lane.transact(async (tx) => void (await tx.removeContent(layer.digest)))
    await rm(file)
    const report = await world.check()
    assert.equal(report.findings.length, 1, JSON.stringify(report))
    const commit = report.findings[0]?.commit ?? 0
    assert.ok(commit >= sequence, `${commit}`)
    const { entry } = await world.storage.journal.newest()
    assert.ok(commit < (entry?.sequence ?? 0))
  })

  it('finds garbage and what an upload left that is damaged, and sets it aside', async () => {
    await using world = await openFsckWorld()
    const bytes = randomBytes(50_000)
    const { blocks } = world.storage
    await blocks.put(cidFromHash(RAW, sha256(bytes)), bytes)
    await blocks.sync()
    const [file = ''] = (await world.files()).values()
    await writeFile(file, 'rot')
    const found = await world.check()
    assert.equal(found.findings[0]?.path, null)
    assert.match(found.findings[0]?.advice ?? '', /no tree of this registry needs it/)
    const fetch = () => Promise.reject(new Error('nobody is asked for it'))
    let lost = 0
    world.storage.healer.connect({ fetch, onHealed: () => undefined, onLost: () => lost++ })
    const repaired = await world.check(true)
    assert.deepEqual([lost, world.storage.healer.lost], [0, 0])
    assert.deepEqual([repaired.damaged, repaired.mended], [0, 1])
    assert.equal((await world.check()).findings.length, 0)
  })

  it('finds uploads that cannot be gone on with, and those that lost a part', async () => {
    await using world = await openFsckWorld()
    const app = parseName('app')
    const { id } = await world.service.uploads.create(app)
    await world.service.uploads.append(app, id, { source: streamOf(randomBytes(2_200_000)) })
    assert.deepEqual((await world.check()).findings, [])
    const log = join(world.data, 'data', 'uploads', id)
    const whole = await readFile(log)
    const leaf = whole.indexOf(Buffer.from([0x4c, 0, 0, 0, 32]))
    const damaged = Buffer.from(whole)
    damaged[leaf + 10] = (damaged[leaf + 10] ?? 0) ^ 1
    await writeFile(log, damaged)
    const middle = (await world.check(true)).findings
    assert.match(middle[0]?.message ?? '', new RegExp(`damaged at byte ${leaf}:`))
    assert.deepEqual([middle.length, middle[0]?.mended], [1, false])
    await writeFile(log, whole.subarray(0, -3)) // torn while it was written
    assert.deepEqual((await world.check()).findings, [])
    await writeFile(log, whole)
    const [file = ''] = (await world.files()).values()
    await rm(file)
    const lost = await world.check()
    assert.deepEqual(
      lost.findings.map(({ kind, path }) => [kind, path]),
      [['upload', `uploads/${id}`]],
    )
    await writeFile(join(world.data, 'data', 'uploads', id), 'what is this')
    const { findings, checked } = await world.check()
    assert.deepEqual([findings.length, checked.uploads], [1, 1])
    assert.match(findings[0]?.message ?? '', /does not begin/)
  })

  it('finds entries of the journal that are damaged or missing', async () => {
    await using world = await openFsckWorld()
    for (const tag of ['a', 'b', 'c', 'd']) await world.push(randomImage(), 'app', tag)
    const { sequence } = (await world.storage.journal.newest()).entry ?? assert.fail()
    const keyOf = (number: number): Uint8Array => {
      const key = Buffer.alloc(10, 'j/')
      key.writeBigUInt64BE(BigInt(number), 2)
      return key
    }
    await world.write([
      { key: keyOf(sequence - 1), value: Buffer.from('rot') },
      { key: keyOf(sequence - 3), value: undefined },
    ])
    const { findings } = await world.check()
    const told = findings.map(({ kind, commit }) => [kind, commit])
    assert.deepEqual(told, [
      ['commit', sequence - 1],
      ['commit', sequence - 3],
    ])
  })

  it('finds notes of mirrors that are none, and removes them', async () => {
    await using world = await openFsckWorld()
    const trust = world.storage.state.map('trust')
    await trust.put(`sha256:${'a'.repeat(64)} bafkreigh2akiscaildc`, new Uint8Array())
    await trust.put(`sha256:${'b'.repeat(64)} ${world.storage.lane.root}`, new Uint8Array())
    assert.deepEqual((await world.check()).damaged, 1)
    assert.deepEqual((await world.check(true)).mended, 1)
    assert.deepEqual((await world.check()).findings, [])
    assert.equal((await Array.fromAsync(trust.entries())).length, 1)
  })
})

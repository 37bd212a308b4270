import assert from 'node:assert/strict'
import { parseName } from '../../src/oci/name.ts'
import { tryParsePattern, RepositorySet } from '../../src/oci/repository-pattern.ts'
import { access, openWorld, policies, seed } from '../support/access-world.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage } from '../support/random-image.ts'
import { APP, byDigest, createRegistry, tagged, twisted } from '../support/registry-setup.ts'
import type { RegistryError } from '../../src/oci/errors.ts'
import type { Notice } from '../../src/oci/notice.ts'
import type { MirrorSource } from '../../src/registry/mirror.ts'

const SINCE = 1_600_000_000_000
const dead = (name: string): MirrorSource =>
  twisted(new MemoryRegistry(name), { before: () => Promise.reject(new Error('EIO')) })
const waiting = (name: string): MirrorSource => ({ name, reader: () => undefined })
const behind = (name: string): MirrorSource => {
  const registry = new MemoryRegistry(name)
  return { name, reader: () => registry.reader(), staleSince: () => SINCE }
}
const image = randomImage()

describe('what is said of mirrors when something is nowhere', () => {
  /** The notices of every kind of "not there". */
  async function absences(mirrors: MirrorSource[], name = APP) {
    const { service } = await createRegistry({ mirrors })
    const questions = {
      tag: service.getManifest(name, tagged('v1')),
      manifest: service.getManifest(name, byDigest(image.digest)),
      blob: service.getBlob(name, image.blobs[0]!.digest),
      tags: service.listTags(name, {}),
    }
    const told: Record<string, readonly Notice[]> = {}
    for (const [which, question] of Object.entries(questions)) {
      await assert.rejects(question, (error: RegistryError) => {
        assert.equal(error.status, 404)
        told[which] = error.notices
        return true
      })
    }
    return told
  }
  const all = (notices: Notice[]) => ({
    tag: notices,
    manifest: notices,
    blob: notices,
    tags: notices,
  })

  it('is nothing when there are none, or all could be asked and are up to date', async () => {
    assert.deepEqual(await absences([]), all([]))
    assert.deepEqual(await absences([new MemoryRegistry('m')]), all([]))
  })

  it('is which of them could not be asked, or may be behind: they may have it', async () => {
    const mirrors = [dead('d'), waiting('w'), behind('b'), new MemoryRegistry('m')]
    assert.deepEqual(
      await absences(mirrors),
      all([
        { mirror: 'd', kind: 'skipped' },
        { mirror: 'w', kind: 'waiting' },
        { mirror: 'b', kind: 'stale', since: SINCE },
      ]),
    )
  })

  it('is nothing of a mirror through which the repository cannot exist', async () => {
    const repositories = new RepositorySet([tryParsePattern('base/**')!])
    const mirrors = [dead('d'), waiting('w'), behind('b')].map((m) => ({ ...m, repositories }))
    assert.deepEqual(await absences(mirrors), all([]))
    assert.equal((await absences(mirrors, parseName('base/x')))['tag']?.length, 3)
  })

  it('is nothing in the registry as it was: no mirror is asked', async () => {
    const past = new MemoryRegistry('past')
    const root = 'bafybeif4oaymum6psurtlrw4moilsg6cxkqfxtwzfvlg5l4zoz3ivmmwcu'
    const snapshots = new Map([[root, past.reader()]])
    const { service } = await createRegistry({ mirrors: [dead('d')], snapshots })
    await assert.rejects(
      service.getManifest(parseName(`at/${root}/team/app`), tagged('v1')),
      (error: RegistryError) => error.status === 404 && error.notices.length === 0,
    )
  })

  it('is nothing to who may not read there: the same answer, whatever is in the repository', async () => {
    const rules = policies('open/**: users -> pull', 'team/**: anna -> pull')
    const setup = { mirrors: [dead('d')] }
    await using there = await openWorld(access({ policies: rules }), { setup })
    await seed(there.own, APP, 'v1')
    const ask = async (user: string, path: string) => {
      const { status, headers } = await there.as(user)(`GET /v2/team/${path}`)
      return [status, headers['warning']]
    }
    for (const path of ['app/manifests/v1', 'app/manifests/v2', 'other/tags/list']) {
      assert.deepEqual(await ask('ben', path), [403, undefined], path)
      assert.deepEqual(await ask('', path), [401, undefined], path)
    }
    const [status, warning] = await ask('anna', 'app/manifests/v2')
    assert.equal(status, 404)
    assert.match(String(warning), /mirror d could not be read now/)
  })
})

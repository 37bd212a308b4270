import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { billOf } from './bom.ts'
import { readLock } from './lock.ts'
import type { Lock } from './lock.ts'

const PACKAGE = join(import.meta.dirname, '../../package.json')

describe('the bill of materials', () => {
  let lock: Lock
  before(async () => {
    lock = await readLock()
  })

  it('has everything we depend on, and no tools', async () => {
    const { dependencies, devDependencies } = JSON.parse(await readFile(PACKAGE, 'utf8')) as {
      dependencies: Record<string, string>
      devDependencies: Record<string, string>
    }
    const { components } = billOf(lock)
    const parts = new Set(components.map(({ name, version }) => `${name}@${version}`))
    for (const [name, version] of Object.entries(dependencies))
      assert.ok(parts.has(`${name}@${version}`), name)
    for (const name of ['mocha', 'typescript', 'oxlint'])
      assert.ok(!parts.has(`${name}@${devDependencies[name]}`), name)
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && !dev)
    assert.ok(parts.size <= shipped.length && parts.size > 300)
  })

  it('is well formed: each part once, with its hash, and no edge to what is not in it', () => {
    const { components, dependencies, metadata, serialNumber } = billOf(lock)
    const refs = new Set([...components, metadata.component].map((part) => part['bom-ref']))
    assert.equal(refs.size, components.length + 1)
    for (const { purl, hashes, name } of components) {
      assert.match(purl, /^pkg:npm\/(%40[^/@]+\/)?[^/@]+@\d[^@]*$/)
      assert.match(hashes?.[0]?.content ?? '', /^[0-9a-f]{128}$/, name)
    }
    assert.deepEqual(new Set(dependencies.map(({ ref }) => ref)), refs)
    for (const { dependsOn } of dependencies)
      for (const ref of dependsOn) assert.ok(refs.has(ref), ref)
    assert.match(serialNumber, /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('reaches every part that it names from us', () => {
    const { components, dependencies, metadata } = billOf(lock)
    const edges = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
    const seen = new Set<string>()
    const todo = [metadata.component['bom-ref']]
    for (let ref = todo.pop(); ref !== undefined; ref = todo.pop()) {
      if (seen.has(ref)) continue
      seen.add(ref)
      todo.push(...(edges.get(ref) ?? []))
    }
    const lost = components.filter((part) => !seen.has(part['bom-ref']))
    assert.deepEqual(
      lost.map(({ name }) => name),
      [],
    )
  })

  it('is the same bytes for the same lock file, and another for another', () => {
    const text = JSON.stringify(billOf(lock))
    const again = {
      ...lock,
      packages: Object.fromEntries(Object.entries(lock.packages).toReversed()),
    }
    assert.equal(JSON.stringify(billOf(again)), text)
    const other = billOf({ ...lock, version: '99.0.0' })
    assert.notEqual(other.serialNumber, billOf(lock).serialNumber)
  })

  it('names no host, no directory of this machine and no time', () => {
    const text = JSON.stringify({ ...billOf(lock), $schema: '' })
    assert.doesNotMatch(text, /https?:|\.tgz|\d{4}-\d\d-\d\dT/)
    for (const word of [import.meta.dirname, process.cwd(), hostname()])
      assert.ok(!text.includes(`"${word}`) && !text.includes(`${word}/`), word)
  })
})

import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMap, parse, parseDocument } from 'yaml'
import { loadConfig } from '../src/config/load.ts'
import { OPTIONS } from '../src/config/options.ts'

const root = join(import.meta.dirname, '..')

describe('the shipped configurations', () => {
  it('example-config.yaml loads, and says what the built-in defaults say', async () => {
    const example = await loadConfig({ file: 'example-config.yaml', env: {}, cwd: root })
    const defaults = await loadConfig({ env: {}, cwd: root })
    assert.deepEqual(example, defaults)
  })

  it('example-config.yaml names every option there is', async () => {
    const document = parseDocument(await readFile(join(root, 'example-config.yaml'), 'utf8'))
    assert.ok(isMap(document.contents))
    const missing = OPTIONS.filter((option) => !document.hasIn(option.path))
    assert.deepEqual(missing, [])
  })

  it('example-config.yaml shows values that work when their # is taken away', async () => {
    const text = await readFile(join(root, 'example-config.yaml'), 'utf8')
    const examples = [...text.matchAll(/^ {2}# {2}- (\{.*\}|\S+)/gm)].map(
      ([, value]) => value ?? '',
    )
    const [host, rule, key, path, domain, section, ...rest] = examples
    assert.equal(rest.length, 3, 'an example was added: load it here too')
    const load = (env: Record<string, string>) => loadConfig({ env, cwd: root })
    for (const name of [key, path]) await load({ REGISTRY_IPNS_READONLYKEYS: name ?? '' })
    const sections = JSON.stringify([parse(section ?? '')])
    const { config } = await load({ REGISTRY_IPNS_READONLYKEYS: sections })
    assert.equal(config.ipns.readOnlyKeys[0]?.replicate, 'full')
    const rules = await load({ REGISTRY_RETENTION_TAGS: JSON.stringify([parse(rule ?? '')]) })
    assert.equal(rules.config.retention.tags[0]?.keep, 14)
    await load({
      REGISTRY_HTTP_HOSTS: host ?? '',
      REGISTRY_AUTH_OPENTOALL: 'true',
      REGISTRY_IPNS_READONLYKEYS: domain ?? '',
      REGISTRY_NETWORK_MODE: 'public',
      REGISTRY_NETWORK_LISTEN: rest.slice(0, 2).join(),
      REGISTRY_NETWORK_PEERS: rest[2] ?? '',
    })
  })

  it('every other one loads, without a warning, and keeps its data beside itself', async () => {
    const files = (await readdir(join(root, 'config'))).filter((name) => name.endsWith('.yaml'))
    for (const wanted of ['lan.yaml', 'offline.yaml', 'private.yaml', 'public.yaml'])
      assert.ok(files.includes(wanted), wanted)
    for (const file of files) {
      const values: unknown = parse(await readFile(join(root, 'config', file), 'utf8'))
      // Deployment files (compose, systemd, Kubernetes) may lie beside them; ours have a storage section.
      if (typeof values !== 'object' || values === null || !('storage' in values)) continue
      const { config, warnings } = await loadConfig({
        file: join('config', file),
        env: {},
        cwd: root,
      })
      assert.deepEqual(warnings, [])
      assert.equal(config.storage.path, join(root, 'config/data'))
    }
  })
})

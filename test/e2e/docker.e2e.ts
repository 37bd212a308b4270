import assert from 'node:assert/strict'
import { DaemonProcess } from '../support/daemon-process.ts'
import { RegistryClient } from './support/client.ts'
import { DockerEngine } from './support/docker-engine.ts'

const WORDS = 'hello from A\n'
const OWN_WORDS = 'hello from B\n'

/** One story in order: each step stands on those before it. */
describe('Docker pushes to A and pulls from B, which knows only the key of A', function () {
  this.timeout(120_000)
  this.bail(true)

  let engine: DockerEngine
  let a: DaemonProcess
  let b: DaemonProcess
  let digest: string
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    engine = cleanUp.use(await DockerEngine.start())
    a = cleanUp.use(await DaemonProcess.start())
  })
  after(() => cleanUp.disposeAsync())

  /** Pulls into an empty engine and runs it. */
  async function pullAndRun(image: string): Promise<string> {
    await engine.docker('pull', '--quiet', image)
    const output = await engine.run(image)
    await engine.forget(image)
    return output
  }

  const byTag = () => `${b.host}/team/hello:v1`
  const byDigest = () => `${b.host}/team/hello@${digest}`

  it('docker push to A', async () => {
    const image = `${a.host}/team/hello:v1`
    await engine.makeImage(image, WORDS)
    await engine.docker('push', '--quiet', image)
    digest = await engine.digest(image)
    await engine.forget(image)
  })

  it('A is killed with SIGKILL, starts again, and has it', async () => {
    assert.deepEqual(await a.kill(), { code: null, signal: 'SIGKILL' })
    await a.restart()
    assert.equal(await pullAndRun(`${a.host}/team/hello:v1`), WORDS)
  })

  it('B serves it by tag and by digest', async () => {
    b = cleanUp.use(await DaemonProcess.start({ mirrors: [a.ipnsName], peers: [a.peerAddress] }))
    const { storage } = await a.status()
    await b.until(({ mirrors }) => mirrors[0]?.root === storage.root)
    assert.equal(await pullAndRun(byTag()), WORDS)
    assert.equal(await pullAndRun(byDigest()), WORDS)
  })

  it('A is stopped for good: B lists the tags and serves the image', async () => {
    assert.deepEqual(await a.stop(), { code: 0, signal: null })
    assert.deepEqual(await new RegistryClient(b.url).tags('team/hello'), ['v1'])
    assert.equal(await pullAndRun(byTag()), WORDS)
    assert.equal(await pullAndRun(byDigest()), WORDS)
  })

  it('so it does after its own restart', async () => {
    assert.deepEqual(await b.stop(), { code: 0, signal: null })
    await b.restart()
    assert.deepEqual(await new RegistryClient(b.url).tags('team/hello'), ['v1'])
    assert.equal(await pullAndRun(byTag()), WORDS)
    assert.equal(await pullAndRun(byDigest()), WORDS)
  })

  it('what is pushed to B is in its own tree, under its own key, which C mirrors', async () => {
    const before = await b.status()
    const image = `${b.host}/team/own:v1`
    await engine.makeImage(image, OWN_WORDS)
    await engine.docker('push', '--quiet', image)
    await engine.forget(image)
    const published = await b.until(
      ({ ipns, storage }) => ipns?.pending === false && ipns.publishedRoot === storage.root,
    )
    assert.notEqual(published.ipns?.publishedRoot, before.ipns?.publishedRoot)
    assert.equal(published.ipns?.name, b.ipnsName)
    assert.notEqual(b.ipnsName, a.ipnsName)
    // The mirror's tree is not ours: nothing of it was copied.
    assert.equal(published.mirrors[0]?.root, before.mirrors[0]?.root)

    const c = cleanUp.use(
      await DaemonProcess.start({ mirrors: [b.ipnsName], peers: [b.peerAddress] }),
    )
    await c.until(({ mirrors }) => mirrors[0]?.root === published.ipns?.publishedRoot)
    assert.equal(await pullAndRun(`${c.host}/team/own:v1`), OWN_WORDS)
    const catalog = await fetch(`${c.url}/v2/_catalog`)
    assert.deepEqual(await catalog.json(), { repositories: ['team/own'] })
  })
})

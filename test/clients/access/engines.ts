import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { containerd as containerdClient } from '../containerd.ts'
import { docker as dockerClient, startDocker } from '../docker.ts'
import { podman as podmanClient } from '../podman.ts'
import { ContainerdEngine, ctrFlags } from '../support/containerd-engine.ts'
import { containersHome } from '../support/containers-home.ts'
import { written } from '../support/content.ts'
import { engineUnavailable, lines } from '../support/engines.ts'
import { dockerArchive, layoutArchive, wordsImage } from '../support/images.ts'
import { plainHttp } from '../support/transport.ts'
import type { DockerEngine } from '../../e2e/support/docker-engine.ts'
import type { Image } from '../../e2e/support/image.ts'
import type { World } from '../client.ts'
import type { Visitor } from './visitor.ts'

const LOCAL = 'localhost/hello:made'
const PLAIN_HTTP = '--tls-verify=false'

let image: Image
let dockerEngine: DockerEngine | undefined
let containerdEngine: ContainerdEngine | undefined
let home: Readonly<Record<string, string>> = {}

export const docker: Visitor = {
  name: 'docker',
  cannot: { 'TLS of a stranger': 'on loopback it takes any certificate' },
  // There, whom it was refused with TLS it asks without, and tells of that.
  refusal: /this port speaks TLS/,
  needs: ['dockerd', 'docker'],
  unavailable: engineUnavailable,
  version: (world) => dockerClient.version(world),
  async start(world) {
    dockerEngine = await startDocker(world)
    await cli(world, ['load'], dockerArchive(await wordsImage('access\n'), LOCAL))
  },
  stop: async () => dockerEngine?.[Symbol.asyncDispose](),
  login: async (world, host, { user, password }) =>
    void (await cli(world, ['login', '-u', user, '--password-stdin', host], Buffer.from(password))),
  logout: async (world, host) => void (await cli(world, ['logout', host])),
  async push(world, place) {
    await cli(world, ['tag', LOCAL, written(place)])
    await cli(world, ['push', written(place)])
  },
  async pull(world, place) {
    const known = lines(await cli(world, ['images', '-q', written(place)]))
    if (known.length > 0) await cli(world, ['rmi', '--force', written(place)])
    await cli(world, ['pull', written(place)])
  },
}

function cli({ tool, signal }: World, args: string[], input?: Uint8Array): Promise<string> {
  return run(tool('docker'), args, { env: dockerEngine?.env, signal, input })
}

/** It keeps no logins: name and password go with each command. */
export const containerd: Visitor = {
  name: 'containerd',
  needs: ['containerd', 'ctr'],
  unavailable: engineUnavailable,
  version: (world) => containerdClient.version(world),
  async start(world) {
    containerdEngine = await ContainerdEngine.start(world)
    image = await wordsImage('access\n')
  },
  stop: async () => containerdEngine?.[Symbol.asyncDispose](),
  async push(world, place, login) {
    const archive = layoutArchive(image, written(place))
    await ctr(world, ['images', 'import', '--no-unpack', '--all-platforms', '-'], archive)
    const as = login === undefined ? [] : ['--user', `${login.user}:${login.password}`]
    await ctr(world, [
      'images',
      'push',
      ...(await ctrFlags(world, place.host)),
      ...as,
      written(place),
    ])
  },
  async pull(world, place, login) {
    const names = lines(await ctr(world, ['images', 'ls', '--quiet']))
    if (names.length > 0) await ctr(world, ['images', 'rm', '--sync', ...names])
    const as = login === undefined ? [] : ['--user', `${login.user}:${login.password}`]
    await ctr(world, [
      'images',
      'pull',
      ...(await ctrFlags(world, place.host)),
      ...as,
      written(place),
    ])
  },
}

function ctr({ tool, signal }: World, args: string[], input?: Uint8Array): Promise<string> {
  return run(tool('ctr'), args, { env: containerdEngine?.env, signal, input })
}

export const podman: Visitor = {
  name: 'podman',
  needs: ['podman'],
  unavailable: engineUnavailable,
  version: (world) => podmanClient.version(world),
  async start(world) {
    home = await containersHome(world.directory)
    const file = join(world.directory, 'load.tar')
    await writeFile(file, dockerArchive(await wordsImage('access\n'), LOCAL))
    await pod(world, ['load', '--input', file])
  },
  stop: async (world) => void (await pod(world, ['rmi', '--all', '--force'])),
  async login(world, host, { user, password }) {
    const args = ['login', ...plainHttp(host, PLAIN_HTTP), '-u', user, '--password-stdin', host]
    await pod(world, args, Buffer.from(password))
  },
  logout: async (world, host) => void (await pod(world, ['logout', host])),
  push: async (world, place) =>
    void (await pod(world, ['push', ...plainHttp(place.host, PLAIN_HTTP), LOCAL, written(place)])),
  async pull(world, place) {
    await pod(world, ['rmi', '--ignore', written(place)])
    await pod(world, ['pull', ...plainHttp(place.host, PLAIN_HTTP), written(place)])
  },
}

function pod({ tool, signal }: World, args: string[], input?: Uint8Array): Promise<string> {
  return run(tool('podman'), args, { env: home, signal, input })
}

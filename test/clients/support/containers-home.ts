import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NO_WAY_OUT } from '../../e2e/support/no-way-out.ts'

/**
 * A home for podman, buildah and skopeo: storage, configuration and temporary files of their own, and nothing that
 * the machine has set up for them.
 *
 * @param directory where it is made
 * @param registries what `~/.config/containers/registries.conf` holds
 * @returns the environment in which they use it
 */
export async function containersHome(
  directory: string,
  registries = '',
): Promise<Readonly<Record<string, string>>> {
  const at = (...names: string[]) => join(directory, 'containers', ...names)
  const settings = at('home', '.config', 'containers')
  for (const path of [settings, at('run'), at('temporary')]) await mkdir(path, { recursive: true })
  const everything = { default: [{ type: 'insecureAcceptAnything' }] }
  await writeFile(join(settings, 'policy.json'), JSON.stringify(everything))
  await writeFile(join(settings, 'registries.conf'), registries)
  await writeFile(
    at('storage.conf'),
    toml('storage', { driver: 'vfs', graphroot: at('storage'), runroot: at('run') }),
  )
  await writeFile(
    at('containers.conf'),
    toml('engine', {
      cgroup_manager: 'cgroupfs',
      events_logger: 'none',
      static_dir: at('static'),
      tmp_dir: at('temporary'),
      volume_path: at('volumes'),
    }),
  )
  return {
    ...NO_WAY_OUT,
    HOME: at('home'),
    TMPDIR: at('temporary'),
    XDG_RUNTIME_DIR: at('run'),
    XDG_CONFIG_HOME: at('home', '.config'),
    XDG_DATA_HOME: at('home', '.local', 'share'),
    CONTAINERS_CONF: at('containers.conf'),
    CONTAINERS_STORAGE_CONF: at('storage.conf'),
    // What podman and buildah read first, if the machine has set it.
    CONTAINERS_REGISTRIES_CONF: join(settings, 'registries.conf'),
  }
}

function toml(section: string, values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  return [`[${section}]`, ...lines, ''].join('\n')
}

/**
 * Which commit the code is of, as far as the files of git say so.
 *
 * @module
 */

async function read(url: URL): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(url)).trim();
  } catch {
    return undefined;
  }
}

/**
 * The first seven digits of the commit that is checked out; "unknown" where
 * there is no repository. Changes that are not committed do not show.
 *
 * @param root the folder of the repository
 */
export async function commitOf(root: URL): Promise<string> {
  const link = await read(new URL(".git", root));
  // In a second work tree it is a file that names a folder elsewhere.
  const folder = link?.startsWith("gitdir: ")
    ? new URL(`file://${link.slice("gitdir: ".length)}/`)
    : new URL(".git/", root);
  const common = await read(new URL("commondir", folder));
  const shared = common === undefined ? folder : new URL(`${common}/`, folder);
  const head = await read(new URL("HEAD", folder));
  const name = /^ref: (\S+)$/.exec(head ?? "")?.[1];
  if (name === undefined) return head?.slice(0, 7) ?? "unknown";
  const loose = await read(new URL(name, shared));
  if (loose !== undefined) return loose.slice(0, 7);
  const packed = await read(new URL("packed-refs", shared));
  const line = packed?.split("\n").find((line) => line.endsWith(` ${name}`));
  return line?.slice(0, 7) ?? "unknown";
}

import type { Browser } from "playwright-core";

/** How far apart two pictures are. */
export interface Difference {
  /** Width and height of the first and the second, px. */
  readonly sizes: readonly [string, string];
  /** Share of pixels of which a channel differs by more than a tenth. */
  readonly share: number;
}

/** Runs in a page: it draws both and looks at every pixel. */
const COMPARE = `async ([first, second]) => {
  const draw = async ([type, base64]) => {
    const blob = await (await fetch("data:" + type + ";base64," + base64)).blob();
    const image = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await draw(first), await draw(second)];
  const sizes = [a, b].map(({ width, height }) => width + "×" + height);
  let different = 0;
  for (let at = 0; at < a.data.length; at += 4) {
    for (let channel = at; channel < at + 3; channel++) {
      if (Math.abs(a.data[channel] - b.data[channel]) <= 25) continue;
      different++;
      break;
    }
  }
  return { sizes, share: different / (a.data.length / 4) };
}`;

/** Runs in a page: sixteen shades of each colour are nearer than what counts as different, and a quarter of the bytes. */
const PACK = `async (base64) => {
  const blob = await (await fetch("data:image/png;base64," + base64)).blob();
  const image = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  pixels.data.forEach((value, at) => {
    pixels.data[at] = Math.round(value / 17) * 17;
  });
  context.putImageData(pixels, 0, 0);
  const packed = await canvas.convertToBlob({ type: "image/webp", quality: 1 });
  return [...new Uint8Array(await packed.arrayBuffer())];
}`;

/** A picture as a page takes it: its type, and its bytes in base64. */
type Packed = readonly [type: string, base64: string];

/** Compares and packs pictures, by what the browser has for it. */
export class Pictures {
  readonly #browser: Browser;

  /** In pages of this browser. */
  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** How far a PNG is from a picture that was kept. */
  compare(kept: Uint8Array, png: Uint8Array): Promise<Difference> {
    const pair: readonly Packed[] = [
      ["image/webp", kept.toBase64()],
      ["image/png", png.toBase64()],
    ];
    return this.#run<Difference>(COMPARE, pair);
  }

  /** A PNG as a picture to keep: a small file of the same pixels. */
  async pack(png: Uint8Array): Promise<Uint8Array> {
    return Uint8Array.from(await this.#run<number[]>(PACK, png.toBase64()));
  }

  async #run<Answer>(script: string, given: unknown): Promise<Answer> {
    const page = await this.#browser.newPage();
    try {
      return await page.evaluate<Answer>(
        `(${script})(${JSON.stringify(given)})`,
      );
    } finally {
      await page.close();
    }
  }
}

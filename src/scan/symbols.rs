//! Reads the codes in a picture.
//!
//! Square codes are found by rxing. Bars are read along lines in many directions: rxing itself tries only rows and
//! columns, which miss long codes that are tilted. Two lines must agree, because a short code has only one check digit.

use image::{DynamicImage, GrayImage};
use rxing::{
    BarcodeFormat, DecodeHints,
    common::BitArray,
    helpers::detect_multiple_in_luma_with_hints,
    oned::{MultiFormatOneDReader, OneDReader},
};
use std::{
    collections::{BTreeMap, HashSet},
    f32::consts::PI,
    time::Instant,
};

/// The longer side of a picture in which codes are looked for, in pixels.
const SIDE: u32 = 1_600;
/// The longer side in the last try, in which noise and blurred edges are averaged out.
const SMALL_SIDE: u32 = 800;
/// The directions of the lines, half a turn in all: each line is read both ways.
const DIRECTIONS: u8 = 8;
/// Pixels between two lines.
const LINE_DISTANCE: usize = 20;
/// The lengths of the parts of a line whose darkest and lightest pixels decide what is black, in pixels: one for wide
/// bars, and one for narrow and blurred ones.
const PARTS: [usize; 2] = [40, 14];
/// The least difference between black and white.
const CONTRAST: u8 = 24;
/// The shortest line that can have a code, in pixels.
const SHORTEST_LINE: usize = 60;
/// How many lines must have the same code.
const AGREEING_LINES: usize = 2;

/// Returns the codes in a picture, each once. Tries again, closer and with more contrast, until some are found or the
/// deadline has passed.
pub fn read(picture: &DynamicImage, deadline: Instant) -> Vec<String> {
    let tries: [&dyn Fn() -> DynamicImage; 3] = [
        &|| fit(picture, SIDE),
        &|| fit(&middle(picture), SIDE),
        &|| stretch_contrast(fit(picture, SMALL_SIDE).into_luma8()).into(),
    ];
    for prepare in tries {
        let picture = prepare().into_luma8();
        let mut codes = square_codes(&picture);
        for code in bar_codes(&picture, deadline) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        if !codes.is_empty() || Instant::now() >= deadline {
            return codes;
        }
    }
    Vec::new()
}

/// Returns the picture with its longer side at most this long.
fn fit(picture: &DynamicImage, side: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= side {
        picture.clone()
    } else {
        picture.thumbnail(side, side)
    }
}

/// Returns the middle of the picture, half as wide and high: people aim at the code.
fn middle(picture: &DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    picture.crop_imm(width / 4, height / 4, width.div_ceil(2), height.div_ceil(2))
}

/// Spreads the brightness of a picture over all values, except for its darkest and lightest pixels.
fn stretch_contrast(mut picture: GrayImage) -> GrayImage {
    let mut sorted = picture.as_raw().clone();
    sorted.sort_unstable();
    let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied();
    let (Some(dark), Some(light)) = (at(1), at(99)) else {
        return picture;
    };
    let range = u32::from(light.saturating_sub(dark).max(1));
    for value in picture.iter_mut() {
        let above = u32::from(value.saturating_sub(dark));
        *value = (above * 255 / range).min(255) as u8;
    }
    picture
}

/// Returns the QR and `DataMatrix` codes.
fn square_codes(picture: &GrayImage) -> Vec<String> {
    let mut hints = hints(&[BarcodeFormat::QR_CODE, BarcodeFormat::DATA_MATRIX]);
    let (width, height) = picture.dimensions();
    let found =
        detect_multiple_in_luma_with_hints(picture.as_raw().clone(), width, height, &mut hints);
    let mut codes = Vec::new();
    for result in found.unwrap_or_default() {
        let code = result.getText().to_owned();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// Returns the codes of bars, the first one that was seen first.
fn bar_codes(picture: &GrayImage, deadline: Instant) -> Vec<String> {
    let angles = (0..DIRECTIONS).map(|direction| f32::from(direction) * PI / f32::from(DIRECTIONS));
    let lines: Vec<_> = angles.flat_map(|angle| lines(picture, angle)).collect();
    for part in PARTS {
        let mut reader = BarReader::new(part);
        for line in &lines {
            if Instant::now() >= deadline {
                return reader.agreed();
            }
            reader.read(line);
        }
        let codes = reader.agreed();
        if !codes.is_empty() {
            return codes;
        }
    }
    Vec::new()
}

/// Returns which pixels of a line are black. Each part of the line is compared with itself and the parts beside it, so
/// that neither the background nor a shadow counts.
fn black_pixels(line: &[u8], part: usize) -> BitArray {
    let range = |pixels: &[u8]| {
        let dark = pixels.iter().min().copied().unwrap_or_default();
        (dark, pixels.iter().max().copied().unwrap_or_default())
    };
    let ranges: Vec<_> = line.chunks(part).map(range).collect();
    let mut black = BitArray::with_size(line.len());
    for (index, pixels) in line.chunks(part).enumerate() {
        let near = ranges.iter().skip(index.saturating_sub(1));
        let near = near.take(if index == 0 { 2 } else { 3 });
        let (dark, light) = near.fold((u8::MAX, 0), |(dark, light), (low, high)| {
            (dark.min(*low), light.max(*high))
        });
        if light.saturating_sub(dark) < CONTRAST {
            continue;
        }
        let middle = u8::midpoint(dark, light);
        for (place, value) in pixels.iter().enumerate() {
            if *value < middle {
                black.set(index * part + place);
            }
        }
    }
    black
}

/// Returns the brightness along parallel lines across the picture. Each value is the mean of three pixels beside each
/// other, which removes most noise.
fn lines(picture: &GrayImage, angle: f32) -> impl Iterator<Item = Vec<u8>> {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (sin, cos) = angle.sin_cos();
    let reach = (width.hypot(height) / 2.0) as i32;
    let values = picture.as_raw();
    let row = picture.width() as usize;
    let beside = if cos.abs() > sin.abs() { row } else { 1 };
    let value = move |along: f32, aside: f32| {
        let x = width / 2.0 + along * cos - aside * sin;
        let y = height / 2.0 + along * sin + aside * cos;
        if x < 0.0 || y < 0.0 || x >= width || y >= height {
            return None;
        }
        let at = y as usize * row + x as usize;
        let (before, after) = (
            values.get(at.checked_sub(beside)?)?,
            values.get(at + beside)?,
        );
        let sum = u16::from(*before) + u16::from(values[at]) + u16::from(*after);
        u8::try_from(sum / 3).ok()
    };
    let asides = (-reach..reach).step_by(LINE_DISTANCE);
    asides.filter_map(move |aside| {
        let points = (-reach..reach).filter_map(|along| value(along as f32, aside as f32));
        let line: Vec<u8> = points.collect();
        (line.len() >= SHORTEST_LINE).then_some(line)
    })
}

/// Reads codes of bars, and counts the lines on which it found each.
struct BarReader {
    /// The length of the parts of a line, see [`black_pixels`].
    part: usize,
    reader: MultiFormatOneDReader,
    hints: DecodeHints,
    /// The codes in the order in which they were found.
    codes: Vec<String>,
    lines: BTreeMap<String, usize>,
}

impl BarReader {
    fn new(part: usize) -> Self {
        let hints = hints(&[
            BarcodeFormat::EAN_13,
            BarcodeFormat::EAN_8,
            BarcodeFormat::UPC_A,
            BarcodeFormat::UPC_E,
            BarcodeFormat::CODE_128,
        ]);
        Self {
            part,
            reader: MultiFormatOneDReader::new(&hints),
            hints,
            codes: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    /// Reads the code on a line, and then what is on both sides of it.
    fn read(&mut self, line: &[u8]) {
        let Some((code, [start, end])) = self.read_one(line) else {
            return;
        };
        let count = self.lines.entry(code.clone()).or_default();
        if *count == 0 {
            self.codes.push(code);
        }
        *count += 1;
        for rest in [line.get(..start), line.get(end..)].into_iter().flatten() {
            self.read(rest);
        }
    }

    /// Returns the code on a line, and where it begins and ends.
    fn read_one(&mut self, line: &[u8]) -> Option<(String, [usize; 2])> {
        if line.len() < SHORTEST_LINE {
            return None;
        }
        let mut bits = black_pixels(line, self.part);
        for is_reversed in [false, true] {
            if is_reversed {
                bits.reverse();
            }
            let Ok(found) = self.reader.decode_row(0, &bits, &self.hints) else {
                continue;
            };
            let places = found
                .getPoints()
                .iter()
                .map(|point| point.x.max(0.0) as usize);
            let (start, end) = (places.clone().min()?, places.max()?.min(line.len()));
            if start >= end {
                continue;
            }
            let place = if is_reversed {
                [line.len() - end, line.len() - start]
            } else {
                [start, end]
            };
            return Some((found.getText().to_owned(), place));
        }
        None
    }

    /// Returns the codes that enough lines have.
    fn agreed(self) -> Vec<String> {
        let Self { codes, lines, .. } = self;
        let is_agreed = |code: &String| {
            lines
                .get(code)
                .is_some_and(|count| *count >= AGREEING_LINES)
        };
        codes.into_iter().filter(is_agreed).collect()
    }
}

fn hints(formats: &[BarcodeFormat]) -> DecodeHints {
    DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some(formats.iter().copied().collect::<HashSet<_>>()),
        ..DecodeHints::default()
    }
}

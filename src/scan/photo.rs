//! Reads the codes in a photo that was uploaded. The photo is neither stored nor logged.
//!
//! What a photo may cost is bounded before it is decoded: by its size in bytes, by the pixels that its header declares,
//! and by the turn that it waits for, because only one photo is decoded at a time.

use super::symbols;
use crate::error::{Error, Problem};
use axum::body::Bytes;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::{
    io::Cursor,
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Maximum size of a photo in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// The field of the form that has the photo.
pub const FIELD: &str = "photo";
/// Maximum number of pixels of a photo.
const MAX_PIXELS: u64 = 50_000_000;
/// Maximum memory for decoding a photo, in bytes: three for each pixel, and what the decoder needs.
const MAX_MEMORY: u64 = 256 << 20;
/// How long a photo waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a photo may be decoded and read.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// The time after which nothing else is tried to find a code.
const LAST_TRY: Duration = Duration::from_secs(2);

/// Admits one photo at a time, because decoding takes a core and much memory.
static TURN: Semaphore = Semaphore::const_new(1);

/// Returns the codes in a photo, each once. There is at least one.
pub async fn read(bytes: Bytes) -> Result<Vec<String>, Error> {
    let wrong = |problem| Error::field(FIELD, problem);
    check(&bytes).map_err(wrong)?;
    let Ok(Ok(turn)) = timeout(PATIENCE, TURN.acquire()).await else {
        return Err(Error::Busy);
    };
    let deadline = Instant::now() + LAST_TRY;
    let reading = spawn_blocking(move || {
        // Held until the work has ended, even if nobody waits for it any more.
        let _turn = turn;
        codes(&bytes, deadline)
    });
    let codes = match timeout(TIME_LIMIT, reading).await {
        Ok(Ok(read)) => read.map_err(wrong)?,
        // Caused by the photo, which is not logged.
        Ok(Err(panic)) => {
            tracing::warn!(
                is_panic = panic.is_panic(),
                "could not read the codes in a photo"
            );
            return Err(wrong(Problem::NoCode));
        }
        Err(_) => return Err(wrong(Problem::PhotoTookTooLong)),
    };
    if codes.is_empty() {
        return Err(wrong(Problem::NoCode));
    }
    Ok(codes)
}

/// Returns the codes in a photo, each once. Begins nothing else to find one after the deadline.
pub fn codes(bytes: &[u8], deadline: Instant) -> Result<Vec<String>, Problem> {
    Ok(symbols::read(&decode(bytes)?, deadline))
}

/// Checks what can be known without decoding a photo. Reads its header only.
fn check(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_empty() {
        return Err(Problem::Required);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Problem::PhotoTooLarge);
    }
    let (width, height) = open(bytes)?.into_dimensions().map_err(problem)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Problem::PhotoTooLarge);
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Problem> {
    let decoder = open(bytes)?.into_decoder().map_err(problem)?;
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(Problem::PhotoTooLarge);
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(problem)?;
    Ok(picture.into_luma8().into())
}

fn open(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, Problem> {
    let format = image::guess_format(bytes).map_err(problem)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP
    ) {
        return Err(Problem::NotPhoto);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    Ok(reader)
}

fn problem(error: ImageError) -> Problem {
    match error {
        ImageError::Limits(_) => Problem::PhotoTooLarge,
        _ => Problem::NotPhoto,
    }
}

//! Owns a disk whose power can be cut: a file system in a file, mounted through a loop
//! device. It is unmounted, and its device freed, when it is dropped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::call::Call;
use crate::tools::{packages, version};

/// How often a copy is tried that the kernel writes into.
const COPIES_MAX: u32 = 10;

/// Asks a file system to stop at once and write nothing more, not even its journal:
/// `ioctl(FS_IOC_GOINGDOWN, FS_GOING_FLAGS_NOLOGFLUSH)`.
const SHUT_DOWN: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// What a disk is formatted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FileSystem {
    /// With a journal of metadata, or of everything.
    #[default]
    Ext4,
    /// With a journal of metadata, and late allocation.
    Xfs,
    /// Never writes in place.
    Btrfs,
}

impl FileSystem {
    /// As `mount -t` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// How it can be mounted, in ways that differ in what a cut leaves.
    pub const fn mounts(self) -> &'static [&'static str] {
        match self {
            Self::Ext4 => &[
                "data=ordered",
                "data=writeback",
                "data=journal",
                "data=ordered,commit=1",
            ],
            Self::Xfs => &["logbsize=32k", "logbsize=256k"],
            Self::Btrfs => &["datacow", "nodatacow", "notreelog"],
        }
    }

    /// Whether it can be shut down while it is written to.
    pub const fn shuts_down(self) -> bool {
        matches!(self, Self::Ext4 | Self::Xfs)
    }

    const fn package(self) -> &'static str {
        match self {
            Self::Ext4 => "e2fsprogs",
            Self::Xfs => "xfsprogs",
            Self::Btrfs => "btrfs-progs",
        }
    }

    /// Bytes of a disk, about the fewest that it takes. The file is sparse.
    const fn size(self) -> u64 {
        match self {
            Self::Ext4 => 64 << 20,
            Self::Xfs => 320 << 20,
            Self::Btrfs => 128 << 20,
        }
    }

    fn format(self) -> Call {
        let force = if self == Self::Ext4 { "-F" } else { "-f" };
        Call::new(format!("mkfs.{}", self.as_str())).args(["-q", force])
    }
}

/// A file system in a file.
pub struct Disk {
    kind: FileSystem,
    image: PathBuf,
    point: PathBuf,
    is_mounted: bool,
}

impl Disk {
    /// Makes sure that disks can be made and mounted here.
    ///
    /// # Errors
    /// When they cannot; the error says why.
    pub fn ensure(kind: FileSystem, folder: &Path) -> Result<()> {
        if !cfg!(target_os = "linux") {
            bail!("loop devices are there on Linux only");
        }
        let name = kind.as_str();
        // Started is enough: they differ in which question they answer.
        if kind.format().arg("-V").probe().is_err() {
            packages::install(kind.package())
                .with_context(|| format!("mkfs.{name} was not found"))?;
        }
        if version("python3").is_none() {
            packages::install("python3").context("python3 was not found")?;
        }
        let mut disk = Self::make(kind, folder, "probe")?;
        disk.mount("defaults")?;
        disk.unmount()
    }

    /// Makes an empty one below `folder`.
    ///
    /// # Errors
    /// When the file cannot be made, or not be formatted.
    pub fn make(kind: FileSystem, folder: &Path, name: &str) -> Result<Self> {
        let disk = Self::over(kind, folder, name)?;
        File::create(&disk.image)
            .and_then(|file| file.set_len(kind.size()))
            .with_context(|| format!("cannot make {}", disk.image.display()))?;
        let (made, said) = kind.format().arg(&disk.image).probe()?;
        ensure!(made, "mkfs.{} failed: {}", kind.as_str(), said.trim());
        Ok(disk)
    }

    fn over(kind: FileSystem, folder: &Path, name: &str) -> Result<Self> {
        let disk = Self {
            kind,
            image: folder.join(format!("{name}.img")),
            point: folder.join(name),
            is_mounted: false,
        };
        fs::create_dir_all(&disk.point)
            .with_context(|| format!("cannot make {}", disk.point.display()))?;
        Ok(disk)
    }

    /// Mounts it. After a cut this replays the journal.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mount(&mut self, options: &str) -> Result<()> {
        let (mounted, said) = Call::new("mount")
            .args(["-t", self.kind.as_str(), "-o", &format!("loop,{options}")])
            .args([&self.image, &self.point])
            .probe()?;
        ensure!(mounted, "mounting is not possible: {}", said.trim());
        self.is_mounted = true;
        Ok(())
    }

    /// Unmounts it, which frees the loop device as well.
    ///
    /// # Errors
    /// When something still uses it.
    pub fn unmount(&mut self) -> Result<()> {
        let mut said = String::new();
        for _ in 0..50 {
            let (unmounted, why) = Call::new("umount").arg(&self.point).probe()?;
            if unmounted {
                self.is_mounted = false;
                return Ok(());
            }
            said = why;
            thread::sleep(Duration::from_millis(20));
        }
        bail!("cannot unmount {}: {}", self.point.display(), said.trim())
    }

    /// Cuts the power: nothing that was not written to the image by now ever will be.
    /// Whoever uses the file system gets errors from now on.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn cut(&self) -> Result<()> {
        let (cut, said) = Call::new("python3")
            .args(["-c", SHUT_DOWN])
            .arg(&self.point)
            .probe()?;
        ensure!(cut, "the file system cannot be shut down: {}", said.trim());
        Ok(())
    }

    /// A second disk with exactly what has been written to this one, as a power cut at
    /// this moment would leave it. Whoever writes must have been stopped.
    ///
    /// # Errors
    /// When the image cannot be copied, or the kernel went on writing to it.
    pub fn copy(&self, folder: &Path, name: &str) -> Result<Self> {
        let copy = Self::over(self.kind, folder, name)?;
        for _ in 0..COPIES_MAX {
            Call::new("cp")
                .arg("--sparse=always")
                .args([&self.image, &copy.image])
                .capture()?;
            // Write-back in the meantime would make it a moment that never was.
            let (same, _) = Call::new("cmp")
                .arg("--silent")
                .args([&self.image, &copy.image])
                .probe()?;
            if same {
                return Ok(copy);
            }
        }
        bail!("the kernel wrote to the image during each of {COPIES_MAX} copies")
    }

    /// The folder under which the file system is seen.
    pub fn point(&self) -> &Path {
        &self.point
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted && self.unmount().is_err() {
            // Lazily: it goes when whoever uses it has gone.
            let _ = Call::new("umount").arg("-l").arg(&self.point).probe();
        }
    }
}

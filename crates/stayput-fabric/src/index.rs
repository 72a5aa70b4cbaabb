//! Small integer ids: every table, attachment, interface and site is interned once, so that walking compares integers.

use std::marker::PhantomData;
use std::ops::Index;

/// An id handed out by an [`Arena`].
pub(crate) trait Id: Copy {
    fn new(position: usize) -> Self;
    fn position(self) -> usize;
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub(crate) struct $name(u32);

        impl Id for $name {
            fn new(position: usize) -> Self {
                // More than four thousand million interfaces do not fit into memory before this saturates.
                Self(u32::try_from(position).unwrap_or(u32::MAX))
            }

            fn position(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A region.
    RegionIx;
    /// A Transit Gateway.
    TgwIx;
    /// A Transit Gateway route table.
    TgwTableIx;
    /// One side of a Transit Gateway attachment.
    AttIx;
    /// A VPC.
    VpcIx;
    /// A route table of a VPC.
    VpcTableIx;
    /// A subnet of a VPC.
    SubnetIx;
    /// A network interface.
    EniIx;
    /// A site of the estate.
    SiteIx;
    /// A Flow VPC.
    FlowIx;
    /// A VM.
    VmIx;
    /// An edge of the estate.
    EdgeIx;
    /// A managed prefix list.
    ListIx;
}

/// A vector whose positions are a type of their own.
#[derive(Debug, Clone)]
pub(crate) struct Arena<I, T> {
    items: Vec<T>,
    marker: PhantomData<I>,
}

impl<I: Id, T> Arena<I, T> {
    pub(crate) fn new() -> Self {
        Self {
            items: Vec::new(),
            marker: PhantomData,
        }
    }

    pub(crate) fn push(&mut self, item: T) -> I {
        let id = I::new(self.items.len());
        self.items.push(item);
        id
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.items
            .iter()
            .enumerate()
            .map(|(position, item)| (I::new(position), item))
    }

    pub(crate) fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.position())
    }
}

/// An id only comes from the arena it is used on, so indexing cannot miss.
impl<I: Id, T> Index<I> for Arena<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.items[id.position()]
    }
}

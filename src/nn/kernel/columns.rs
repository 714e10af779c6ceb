//! [`Columns`]: a row-major matrix of which several threads write disjoint columns.

/// Where such a matrix lies.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    start: *mut f32,
    stride: usize,
}

// SAFETY: only `at` hands out places, and every piece of work writes rows and columns that no other
// piece touches.
unsafe impl Send for Columns {}
// SAFETY: as above.
unsafe impl Sync for Columns {}

impl Columns {
    /// Rows of `stride` numbers.
    pub fn of(data: &mut [f32], stride: usize) -> Self {
        Self { start: data.as_mut_ptr(), stride }
    }

    /// Rows of `stride` numbers from `start` on, which need not have been written yet.
    pub fn from_start(start: *mut f32, stride: usize) -> Self {
        Self { start, stride }
    }

    /// Numbers from one row to the next.
    pub fn stride(self) -> usize {
        self.stride
    }

    /// The same matrix from (row, column) on.
    ///
    /// # Safety
    /// (row, column) lies in the matrix.
    pub unsafe fn part(self, row: usize, column: usize) -> Self {
        // SAFETY: the caller's promise.
        Self { start: unsafe { self.at(row, column) }, ..self }
    }

    /// # Safety
    /// (row, column) lies in the matrix.
    pub unsafe fn at(self, row: usize, column: usize) -> *mut f32 {
        // SAFETY: the caller's promise.
        unsafe { self.start.add(row * self.stride + column) }
    }
}

"""Why a file is refused: stable codes, and the words a clerk reads for each."""

# A clerk's next step is always "save it anew"; what differs is why.
WORDS = {
    "empty": "文件是空的，请重新导出后再上传。",
    "size": "文件超过 {limit} MB，请按县拆分后分别导入。",
    "no_space": "服务器存储空间不足，文件没有保存。请联系管理员清理空间后重新上传。",
    "poisoned": "这个文件多次使解析程序异常退出，已停止解析。请在原系统重新导出后再上传。",
    # What it is.
    "format": "不是工作簿或 CSV 表格。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "html": "这是网页格式的表格，不是真正的工作簿。请用 Excel 或 WPS 打开，另存为 .xlsx 后再上传。",
    "xlsb": "这是二进制工作簿（.xlsb）。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "ods": "这是 ODS 表格。请在 Excel 或 WPS 中另存为 .xlsx 后再上传。",
    "old": "这是 Excel 95 或更早的工作簿。请在 Excel 或 WPS 中打开，另存为 .xlsx 后再上传。",
    "encrypted": "工作簿已加密，请去除密码后再上传。",
    "active": "工作簿含有宏、外部链接或嵌入对象，请另存为普通 .xlsx。",
    # How it is packed.
    "damaged": "文件已损坏，无法打开，请重新导出后再上传。",
    "method": "文件的压缩方式不受支持，请在 Excel 或 WPS 中另存后再上传。",
    "entries": "工作簿内部文件过多，疑似异常文件，已拒绝。",
    "unpacked": "工作簿解压后过大，疑似异常文件，已拒绝。",
    "nested": "工作簿内含压缩包或其他文件，已拒绝。",
    "twice": "工作簿内部文件重名，疑似异常文件，已拒绝。",
    "path": "工作簿内部路径异常，疑似恶意文件，已拒绝。",
    # What is written in it.
    "dtd": "工作簿内含文档类型声明，疑似恶意文件，已拒绝。",
    "encoding": "文字编码无法识别或前后不一致（{row}）。请另存为 .xlsx，或另存为 UTF-8 编码的 CSV。",
    "markup": "工作簿内部结构异常，已拒绝。请在 Excel 或 WPS 中另存后再上传。",
    "slow": "工作簿内部结构过于复杂，无法在规定时间内检查。请在 Excel 或 WPS 中另存后再上传。",
    "rows": "行数超过 {limit:,} 行，请按县拆分后分别导入。表格下方若有多余内容，请先删除。",
    "columns": "列数超过 {limit} 列，请删去多余的列。",
    "area": "表格范围过大：右侧或下方很远处还有内容。请删除表格以外的内容后再上传。",
    "large": "表格内容过多，超过 {limit:,} 格。请按县拆分后分别导入，或另存为 CSV 再上传。",
    "cell": "有单元格的文字超过 {limit:,} 字，请检查后重新导出（{row}）。",
    "strings": "工作簿内的文字条目过多，请按县拆分后分别导入。",
    "sheets": "工作簿里没有可见的工作表，请取消隐藏后另存再上传。",
    "no_rows": "表格里没有内容，请重新导出后再上传。",
    # Of a CSV only.
    "binary": "文件含有空字节，不是文本表格（{row}）。请重新导出后再上传。",
    "line": "有一行过长，不是正常的 CSV 表格（{row}）。请重新导出后再上传。",
    "quotes": "双引号不成对，无法分清各列（{row}）。请改正后重新上传，或另存为 .xlsx。",
    "ragged": "有一行的列数多于表头，内容可能错位（{row}）。"
    "请检查这一行：给含分隔符的内容加双引号，或给多出的列补上表头；也可另存为 .xlsx 再上传。",
    # What the parser made of it.
    "memory": "表格内容过多，读取时内存不足。请按县拆分后分别导入，或另存为 CSV 再上传。",
    "parser": "工作簿结构异常或内容过多，读取中断，已拒绝。请按县拆分，或在 Excel、WPS 中另存后再上传。",
}  # fmt: skip


class RefusedError(Exception):
    """The file is refused; `code` is stable, the text tells a clerk what to do.

    `is_death` tells that the file killed the parsing child, which is counted.
    """

    def __init__(
        self, code: str, text: str, *, limit: int = 0, row: int = 0, is_death: bool = False
    ) -> None:
        super().__init__(text)
        self.code = code
        self.limit, self.row = limit, row
        self.is_death = is_death


def refused(code: str, *, limit: int = 0, row: int = 0, is_death: bool = False) -> RefusedError:
    """The refusal with its words. `row` is as the spreadsheet counts, 0 when it is not known."""
    text = WORDS[code]
    if row:
        text = text.format(limit=limit, row=f"第 {row} 行")
    else:
        text = text.replace("（{row}）", "").format(limit=limit)
    return RefusedError(code, text, limit=limit, row=row, is_death=is_death)

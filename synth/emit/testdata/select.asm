    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = r2                                     ; v11 bound
    3  r4 += 0x22                                  ; v11 bound
    4  if r4 > r3 -> punt short                    ; v11 bound
    5  r3 = *(u16 *)(r2 +24)                       ; v1 load.le
    6  w3 += 0x1                                   ; v2 add
    7  if w3 >= 0xffff -> .7                       ; v4 add
.8:
    8  r4 = *(u8 *)(r2 +22)                        ; v5 load
    9  r5 = r4                                     ; v6 shl
   10  w5 <<= 0x3                                  ; v6 shl
   11  r0 = r4                                     
   12  w0 &= 0x4                                   
   13  if w0 == 0x0 -> even                        
odd:
   14  w4 &= 0x7f                                  
   15  w4 <<= 0x3                                  
   16  *(u64 *)(rfp -8) = r4                       ; live through the call
   17  call FnGetSmpProcessorId                    
   18  r4 = *(u64 *)(rfp -8)                       ; live through the call
   19  goto -> count and pass                      
even:
   20  if w4 < w5 -> .9                            ; v8 select
   21  r3 = 0x123456789 ll                         ; v8 select
.9:
   23  *(u16 *)(r2 +24) = r3                       ; v19 store.le
   24  *(u32 *)(r2 +30) = 16777226                 ; v21 store
   25  r1 = r3                                     ; v10 swap16
   26  r1 = be16 r1                                ; v10 swap16
   27  r2 = 0x0                                    
   28  call FnRedirect                             
   29  exit                                        
punt short:
   30  call FnGetSmpProcessorId                    
   31  r4 = 0x10                                   
count and pass:
   32  w0 <<= 0xb                                  
   33  w0 &= 0x800                                 
   34  r2 = &stats[0]                              
   36  r2 += r0                                    
   37  r2 += r4                                    
   38  r3 = *(u64 *)(r2 +0)                        
   39  r3 += 0x1                                   
   40  *(u64 *)(r2 +0) = r3                        
   41  r0 = 0x2                                    
   42  exit                                        
.7:
   43  w3 += 0x1                                   ; v4 add
   44  goto -> .8                                  ; v4 add
